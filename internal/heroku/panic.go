// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
)

// BugError is a panic that was turned into an error. Shared reads and polls run in goroutines of their own, where a panic would
// end the process and lose the ids of all objects that are being created.
type BugError struct {
	Method string // of the request whose handling panicked; empty when there was none
	Path   string
	Cause  string // the text of a runtime error; for other panics only the type, since the value may hold a secret
	At     string // the function that panicked
	Tries  int
}

func (e *BugError) Error() string {
	text := fmt.Sprintf("the provider failed with %s in %s%s; this is a bug: please report it", e.Cause, e.At, requestDetails("", "", e.Tries))
	if e.Method == "" {
		return text
	}
	return fmt.Sprintf("%s %s: %s", e.Method, e.Path, text)
}

// catchPanic calls f, and returns a panic as an error.
func catchPanic[T any](f func() (T, error)) (result T, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = &BugError{Cause: panicText(cause), At: panickedAt()}
		}
	}()
	return f()
}

// isBug reports whether err is a panic outside of any request. Repeating the call would only panic again.
func isBug(err error) bool {
	var bug *BugError
	return errors.As(err, &bug) && bug.Method == ""
}

// try makes one attempt and classifies its result. After a panic the outcome is unreadable, so that an object that may have
// been created is looked up.
func (c *Client) try(
	ctx context.Context, k call, target string, body []byte, try int, accept func([]byte) error,
) (a attemptResult, out outcome, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			out, err = unreadable, &BugError{Method: k.method, Path: k.displayPath(), Cause: panicText(cause), At: panickedAt(), Tries: try}
		}
	}()
	a = c.attempt(ctx, k, target, body)
	out, err = c.classify(ctx, k, a, try, accept)
	return a, out, err
}

func panicText(cause any) string {
	if err, ok := cause.(runtime.Error); ok {
		return err.Error()
	}
	return fmt.Sprintf("a panic of type %T", cause)
}

// panickedAt returns the function that panicked. It must be called by a deferred function.
func panickedAt() string {
	pcs := make([]uintptr, 32)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(0, pcs)])
	for panicking := false; ; {
		frame, more := frames.Next()
		if panicking && !strings.HasPrefix(frame.Function, "runtime.") {
			return fmt.Sprintf("%s (line %d)", frame.Function, frame.Line)
		}
		panicking = panicking || frame.Function == "runtime.gopanic"
		if !more {
			return "an unknown function"
		}
	}
}
