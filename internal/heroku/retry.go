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
	create                  // POST: repeating it may order twice
)

// outcome is what became of one attempt.
type outcome int

const (
	done        outcome = iota // 2xx, body understood
	unsent                     // dial, DNS or TLS failure: nothing has left this machine
	lost                       // reset, EOF or timeout after the request may have been sent
	throttled                  // 429
	serverError                // 5xx, of Heroku's or of a proxy's: it may have been carried out
	busy                       // 409, or an app that is still being provisioned: not now, but soon
	refused                    // any other answer
	unreadable                 // 2xx whose body cannot be understood
)

// action is what to do after an attempt.
type action int

const (
	fail      action = iota // return the error
	retry                   // back off and repeat
	retryBusy               // Heroku asked for patience: repeat, more often
	verify                  // look whether it was done before anything else is sent
	succeed
)

type rule struct {
	action action
	tries  int // at most
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
	retryBudget   = 10 * time.Minute // of one call, with all its tries
	retryAfterMax = 60 * time.Second // old answers carried a Unix time there: 55 years
	backoffBase   = 500 * time.Millisecond
	backoffMax    = 8 * time.Second
	recentFor     = 60 * time.Second // how long an app of ours may be unknown to other endpoints
)

// attemptCounts counts the tries of one call by what they led to.
type attemptCounts map[action]int

// next counts an outcome and says what to do about it.
func (t attemptCounts) next(op operation, o outcome) action {
	r := rules[o][op]
	t[r.action]++
	if (r.action == retry || r.action == retryBusy) && t[r.action] >= r.tries {
		return fail
	}
	return r.action
}

// classifyStatus tells the outcome of an answer that is not 2xx. recent: the app concerned was created by us just now.
func classifyStatus(e *Error, recent bool) outcome {
	switch e.Status {
	case http.StatusTooManyRequests:
		return throttled
	case http.StatusConflict:
		return busy
	case http.StatusForbidden, http.StatusUnprocessableEntity:
		// The only text that is matched: this refusal shares status and id with final ones (Platform API reference, errors).
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

// backoff is the pause after the n-th failure, from 1: full jitter, so that callers that failed together part.
func backoff(n int) time.Duration {
	limit := backoffMax
	if n < 5 {
		limit = backoffBase << max(n-1, 0)
	}
	return rand.N(limit) + time.Millisecond
}

// retryAfter reads the header as seconds, or as a date relative to the answer's own Date, so that a wrong local clock
// does not matter. Absent, unreadable and past values count as none; long ones are cut.
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
