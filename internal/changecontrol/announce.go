// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package changecontrol

import (
	"context"
	"errors"
)

// KeepRecord makes the control record every write of a governed change in a file. Check the path with [CheckRecord] first.
func (c *Control) KeepRecord(path string, author Author) {
	c.record = &record{path: path, reference: c.reference, emergency: c.emergency, author: author}
}

type subjectKey struct{}

type subject struct {
	change Change
	impact any
}

// WithChange returns a context whose writes belong to a change with this planned impact.
func WithChange(ctx context.Context, ch Change, impact any) context.Context {
	return context.WithValue(ctx, subjectKey{}, subject{ch, impact})
}

// ErrUndeclared is the error for a write whose context names no change, see [WithChange]. It is not sent, because the change might
// be a governed one.
var ErrUndeclared = errors.New("the provider has not said which object the request belongs to, so that change control cannot judge it; " +
	"this is a bug: please report it")

// Announce records a write that is about to be sent. After an error, the write must not be sent. Otherwise the returned function
// must be called once with the result of the write. Announce does not check whether the change is permitted: [Control.Judge]
// does that before the first write, so that a freeze does not stop a change half-way.
func (c *Control) Announce(ctx context.Context, w Write) (func(Answer), error) {
	if c == nil {
		return func(Answer) {}, nil
	}
	s, declared := ctx.Value(subjectKey{}).(subject)
	switch {
	case !declared:
		return nil, ErrUndeclared
	case c.record == nil || !c.Governs(s.change, Applying):
		return func(Answer) {}, nil
	}
	return c.record.recordIntent(ctx, s.change.Object, s.impact, w)
}

// Unwritten returns an error that names the results that could not be recorded, and why, or nil if all are recorded.
func (c *Control) Unwritten(ctx context.Context) error {
	if c == nil || c.record == nil {
		return nil
	}
	return c.record.unwritten(ctx)
}
