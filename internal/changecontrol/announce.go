// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package changecontrol

import (
	"context"
	"errors"
)

// KeepRecord makes every write of a governed change known in a file, see [CheckRecord].
func (c *Control) KeepRecord(path string, maker Maker) {
	c.record = &record{path: path, reference: c.reference, emergency: c.emergency, maker: maker}
}

type subjectKey struct{}

type subject struct {
	change Change
	impact any
}

// Carry makes the writes with the context those of a change, with what was planned to be its impact.
func Carry(ctx context.Context, ch Change, impact any) context.Context {
	return context.WithValue(ctx, subjectKey{}, subject{ch, impact})
}

// ErrUndeclared stops a write of which nobody has said which change it belongs to: it might be a governed one.
var ErrUndeclared = errors.New("the provider has not said which object the request belongs to, so that change control cannot judge it; " +
	"this is a bug: please report it")

// Announce notes a write that is about to be sent. It must not be sent after an error. Otherwise the function that it returns
// is to be told once what became of the write. Whether the change is permitted is judged before its first write, by
// [Control.Judge]: one that has begun is not stopped half way by a freeze.
func (c *Control) Announce(ctx context.Context, w Write) (func(Answer), error) {
	if c == nil {
		return func(Answer) {}, nil
	}
	s, carried := ctx.Value(subjectKey{}).(subject)
	switch {
	case !carried:
		return nil, ErrUndeclared
	case c.record == nil || !c.Governs(s.change, Applying):
		return func(Answer) {}, nil
	}
	return c.record.intend(ctx, s.change.Object, s.impact, w)
}

// Unwritten says which answers are not in the record, and why; nil when all are.
func (c *Control) Unwritten(ctx context.Context) error {
	if c == nil || c.record == nil {
		return nil
	}
	return c.record.unwritten(ctx)
}
