// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku

import (
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// operation classifies a request by how safe it is to retry.
type operation int

const (
	read   operation = iota // repeating it is harmless
	write                   // PUT, PATCH, DELETE: repeating it gives the same result
	create                  // POST: repeating it may create a second object
)

// outcome classifies the result of one attempt.
type outcome int

const (
	done        outcome = iota // 2xx with a body that could be decoded
	unsent                     // dial, DNS or TLS failure: nothing has left this machine
	lost                       // reset, EOF or timeout after the request may have been sent
	throttled                  // 429
	serverError                // 5xx from Heroku or a proxy: the request may have been carried out
	busy                       // 409, or an app that is still being provisioned: a later try may succeed
	refused                    // any other response
	unreadable                 // 2xx with a body that cannot be decoded
)

// action is what to do after an attempt.
type action int

const (
	fail      action = iota // return the error
	retry                   // back off and repeat
	retryBusy               // Heroku is busy: back off and repeat, with more tries
	verify                  // find out whether the request was carried out before it is sent again
	succeed
)

type rule struct {
	action action
	tries  int // the maximum
}

var (
	fourTries  = rule{retry, 4}
	threeTries = rule{retry, 3}
	tenTries   = rule{retryBusy, 10}
)

// rules is the whole retry policy.
var rules = map[outcome][3]rule{
	//           read            write           create
	done:        {{succeed, 0}, {succeed, 0}, {succeed, 0}},
	unsent:      {fourTries, fourTries, fourTries},
	lost:        {fourTries, fourTries, {verify, 0}},
	throttled:   {tenTries, tenTries, tenTries},
	serverError: {fourTries, fourTries, {verify, 0}},
	busy:        {{fail, 0}, tenTries, tenTries},
	refused:     {{fail, 0}, {fail, 0}, {fail, 0}},
	unreadable:  {threeTries, {verify, 0}, {verify, 0}},
}

const (
	retryBudget   = 10 * time.Minute // for one call with all its tries
	retryAfterMax = 60 * time.Second // Retry-After has also held a Unix time, which would be a wait of 55 years
	backoffBase   = 500 * time.Millisecond
	backoffMax    = 8 * time.Second
	recentFor     = 60 * time.Second // for how long other endpoints may not know an app that this client has created
)

// attemptCounts counts the tries of one call by the action that followed.
type attemptCounts map[action]int

// next counts an outcome and returns the action to take.
func (t attemptCounts) next(op operation, o outcome) action {
	r := rules[o][op]
	t[r.action]++
	if (r.action == retry || r.action == retryBusy) && t[r.action] >= r.tries {
		return fail
	}
	return r.action
}

// classifyStatus returns the outcome of a response that is not 2xx. recent means that this client has just created the app.
func classifyStatus(e *Error, recent bool) outcome {
	switch e.Status {
	case http.StatusTooManyRequests:
		return throttled
	case http.StatusConflict:
		return busy
	case http.StatusForbidden, http.StatusUnprocessableEntity:
		// Only the message tells this temporary error from permanent ones: status and id are the same (Platform API reference, errors).
		if strings.Contains(e.Message, "is being provisioned") {
			return busy
		}
	case http.StatusNotFound:
		if recent && e.ID == "not_found" {
			return busy
		}
	}
	if e.Status >= http.StatusInternalServerError {
		return serverError
	}
	return refused
}

// backoff returns the pause after the n-th failure, from 1. It has full jitter, so that callers that failed together do not retry
// together.
func backoff(n int) time.Duration {
	limit := backoffMax
	if n < 5 {
		limit = backoffBase << max(n-1, 0)
	}
	return rand.N(limit) + time.Millisecond
}

// retryAfter parses the header Retry-After as seconds, or as a date relative to the response's own Date, so that a wrong local
// clock does not matter. It returns false for absent, invalid and past values, and at most retryAfterMax.
func retryAfter(h http.Header, now time.Time) (time.Duration, bool) {
	value := strings.TrimSpace(h.Get("Retry-After"))
	if value == "" {
		return 0, false
	}
	if strings.Trim(value, "0123456789") == "" {
		seconds, err := strconv.ParseInt(value, 10, 64)
		if err != nil || seconds > int64(retryAfterMax/time.Second) {
			return retryAfterMax, true
		}
		return time.Duration(seconds) * time.Second, seconds > 0
	}
	when, err := http.ParseTime(value)
	if err != nil {
		return 0, false
	}
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date
	}
	wait := when.Sub(now)
	return min(wait, retryAfterMax), wait > 0
}
