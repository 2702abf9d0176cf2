// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Whatever Retry-After says, the client waits as long as requested, but at most a minute. A header that cannot be parsed counts as
// absent.
func FuzzRetryAfter(f *testing.F) {
	const date = "Wed, 14 Jan 2026 09:12:30 GMT"
	for _, value := range []string{
		"", "0", "1", "60", "61", "-1", "1.5", " 7 ", "99999999999999999999", "1768381950", "soon", "Wed, 14 Jan 2026 09:12:33 GMT",
		"Wed, 14 Jan 2026 09:12:29 GMT", "Fri, 31 Dec 9999 23:59:59 GMT", "Wednesday, 14-Jan-26 09:12:33 GMT", "7, 8", "0x10",
	} {
		f.Add(value, date)
		f.Add(value, "")
	}
	f.Fuzz(func(t *testing.T, value, date string) {
		clock := newClock()
		c := answers(t, clock, func(n int, _ *http.Request) *http.Response {
			if n == 0 {
				return jsonResponse(429, `{"id":"rate_limit","message":"x"}`, "Retry-After", value, "Date", date)
			}
			return jsonResponse(200, appJSON(appID, "orders-api"))
		})
		if _, err := c.FindApp(t.Context(), "orders-api"); err != nil {
			t.Fatalf("%q: %v", value, err)
		}
		slept := clock.sleeps()
		if len(slept) != 1 || slept[0] <= 0 || slept[0] > time.Minute {
			t.Fatalf("%q at %q: slept %v", value, date, slept)
		}
		wants := requestedPause(strings.TrimSpace(value), date)
		switch {
		case wants > 0 && slept[0] != min(wants, time.Minute):
			t.Errorf("%q at %q: slept %v instead of %v", value, date, slept[0], wants)
		case wants <= 0 && slept[0] > 8*time.Second+time.Millisecond:
			t.Errorf("%q at %q: slept %v for no reason", value, date, slept[0])
		}
	})
}

// requestedPause is the pause that a header requests; it is 0 or negative if there is none to wait for.
func requestedPause(value, date string) time.Duration {
	if value != "" && strings.Trim(value, "0123456789") == "" {
		seconds, err := strconv.ParseUint(value, 10, 64)
		if err != nil {
			return time.Minute
		}
		return time.Duration(min(seconds, 60)) * time.Second
	}
	when, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(date)
	if err != nil {
		now = start
	}
	return when.Sub(now)
}
