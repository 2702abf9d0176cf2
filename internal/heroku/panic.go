// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku

import (
	"context"
	"fmt"
	"runtime"
	"strings"
)

// BugError is a panic in the handling of one request. Reads and polls that are shared run beside their callers, where
// a panic would end the process and lose the ids of all that is being created.
type BugError struct {
	Method string
	Path   string
	Cause  string // the runtime's own text; of any other panic its type, since its value might hold a secret
	At     string // the function that panicked
	Tries  int
}

func (e *BugError) Error() string {
	return fmt.Sprintf("%s %s: the provider failed with %s in %s%s; this is a bug: please report it",
		e.Method, e.Path, e.Cause, e.At, origin("", "", e.Tries))
}

// try makes one attempt and understands its answer. After a panic the answer counts as one that nobody understands:
// what may have been created is looked up.
func (c *Client) try(ctx context.Context, k call, target string, body []byte, try int, accept func([]byte) error) (a answer, out outcome, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			out, err = unreadable, &BugError{Method: k.method, Path: k.where(), Cause: panicText(cause), At: panickedAt(), Tries: try}
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

// panickedAt is the innermost function outside of the runtime, as seen by a deferred one.
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
