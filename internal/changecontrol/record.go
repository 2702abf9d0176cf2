// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package changecontrol

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

// record is the file in which every write of a governed change is recorded, with one line before it is sent and one for its result.
// Several processes may write to one file.
type record struct {
	path      string
	reference string
	emergency bool
	author    Author

	mu         sync.Mutex
	pending    []Line // results that are not written yet
	pendingErr error  // why they could not be written
}

// Author describes who makes the changes. The functions are called for each write.
type Author struct {
	Run   *Run
	Actor func(context.Context) string // returns the account, or "" if unknown
	Now   func() time.Time             // returns Heroku's time
}

// Write is one request that changes something. It has no host, query or body.
type Write struct {
	Method, Path string
	Try          int // counts the tries of the same write, from 1
}

// Answer is the result of a write.
type Answer struct {
	Event     Event // EventAnswered, EventLost or EventUnsent
	Status    int   // of EventAnswered
	RequestID string
}

// recordIntent records that a write is about to be sent for the change of an object. After an error, the write must not be sent. The
// returned function must be called once with the result. If the result cannot be written, it is kept, so that the caller can go on
// with the response; it is written before the next intent, which fails until that succeeds.
func (r *record) recordIntent(ctx context.Context, o Object, impact any, w Write) (func(Answer), error) {
	encoded, err := json.Marshal(impact)
	if err != nil {
		return nil, fmt.Errorf("the impact of the change cannot be recorded: %w", err)
	}
	intent := Line{
		Event: EventIntent, Reference: r.reference, Emergency: r.emergency, Actor: r.author.Actor(ctx), Object: o,
		Method: w.Method, Path: w.Path, Try: w.Try, Run: r.author.Run, Impact: encoded, Time: r.now(),
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.writePending(ctx); err != nil {
		return nil, err
	}
	if intent.Seq, err = appendLine(ctx, r.path, intent); err != nil {
		return nil, err
	}
	return func(a Answer) {
		line := intent
		line.Seq, line.Event, line.Answers, line.Time, line.RequestID = 0, a.Event, intent.Seq, r.now(), a.RequestID
		if a.Event == EventAnswered {
			line.Status = &a.Status
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.pending = append(r.pending, line)
		_ = r.writePending(context.WithoutCancel(ctx)) // unwritten returns the error
	}, nil
}

// writePending writes the pending results.
func (r *record) writePending(ctx context.Context) error {
	for len(r.pending) > 0 {
		if _, r.pendingErr = appendLine(ctx, r.path, r.pending[0]); r.pendingErr != nil {
			return fmt.Errorf("the answer to an earlier write (%s %s) is not recorded yet: %w", r.pending[0].Method, r.pending[0].Path, r.pendingErr)
		}
		r.pending = r.pending[1:]
	}
	return nil
}

// unwritten tries to write the pending results. It returns an error that names those that it could not write, and why.
func (r *record) unwritten(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.writePending(context.WithoutCancel(ctx)); err == nil {
		return nil
	}
	var b strings.Builder
	for _, l := range r.pending {
		fmt.Fprintf(&b, "\n  %s %s of %s: %s", l.Method, l.Path, l.Object, l.Event)
		if l.Status != nil {
			fmt.Fprintf(&b, " with status %d, request %s", *l.Status, l.RequestID)
		}
	}
	return fmt.Errorf("%w. Not recorded are:%s", r.pendingErr, b.String())
}

func (r *record) now() string { return r.author.Now().UTC().Format("2006-01-02T15:04:05.000Z07:00") }

// ErrDamaged means that the file does not end with a line of a record.
var ErrDamaged = errors.New("does not end in a line of a change record")
