// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package acctest

import (
	"fmt"
	"runtime/debug"
	"testing"
	"time"
)

// testLimit is longer than any test with a sandbox takes, even on a slow machine: the longest one takes a minute while eight others
// share two cores with it.
const testLimit = 20 * time.Minute

// watch ends the whole run if the test does not end within testLimit, with the name of the test and the stack of each goroutine. It
// does nothing in a run without -timeout, as under a debugger.
func watch(t *testing.T) {
	t.Helper()
	if _, limited := t.Deadline(); !limited {
		return
	}
	watchFor(t, testLimit, func(message string) {
		debug.SetTraceback("all")
		panic(message)
	})
}

func watchFor(t *testing.T, limit time.Duration, hangs func(message string)) {
	t.Helper()
	watchdog := time.AfterFunc(limit, func() {
		hangs(fmt.Sprintf("%s hangs: it has not ended within %v", t.Name(), limit))
	})
	t.Cleanup(func() { watchdog.Stop() })
}
