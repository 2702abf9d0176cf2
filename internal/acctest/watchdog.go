// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package acctest

import (
	"fmt"
	"runtime/debug"
	"testing"
	"time"
)

// testLimit is how long no test takes that has a sandbox, however slow the machine is: the longest one takes a minute while
// eight others share two cores with it.
const testLimit = 20 * time.Minute

// watch ends the whole run, and says which test it is and what each goroutine does, when a test hangs. A run without
// -timeout, as under a debugger, is not watched.
func watch(t *testing.T) {
	t.Helper()
	if _, limited := t.Deadline(); !limited {
		return
	}
	watchFor(t, testLimit, func(said string) {
		debug.SetTraceback("all")
		panic(said)
	})
}

func watchFor(t *testing.T, limit time.Duration, hangs func(said string)) {
	t.Helper()
	watchdog := time.AfterFunc(limit, func() {
		hangs(fmt.Sprintf("%s hangs: it has not ended within %v", t.Name(), limit))
	})
	t.Cleanup(func() { watchdog.Stop() })
}
