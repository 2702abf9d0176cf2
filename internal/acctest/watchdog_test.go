// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package acctest

import (
	"testing"
	"testing/synctest"
	"time"
)

// A test that hangs is named, and one that has ended is left alone.
func TestWatchdog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		said := make(chan string, 1)
		watchFor(t, testLimit, func(s string) { said <- s })
		if got, want := <-said, "TestWatchdog hangs: it has not ended within 20m0s"; got != want {
			t.Errorf("it says %q, want %q", got, want)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		t.Cleanup(func() { // runs after the watchdog's own
			<-time.After(2 * testLimit)
			if time.Since(begun) < testLimit {
				t.Error("no time has passed")
			}
		})
		watchFor(t, testLimit, func(s string) { t.Error(s) })
	})
}
