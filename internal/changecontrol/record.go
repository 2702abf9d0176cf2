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

// record is the file in which every write of a governed change is noted: a line before it is sent, and one after its answer.
// Several processes may write to one file.
type record struct {
	path      string
	reference string
	emergency bool
	maker     Maker

	mu   sync.Mutex
	owed []Line // answers that could not be written yet
	lost error  // why not
}

// Maker is who writes. The functions are asked for each write.
type Maker struct {
	Run   *Run
	Actor func(context.Context) string // the account; empty: not known
	Now   func() time.Time             // Heroku's clock
}

// Write is one request that changes something. It names neither a host nor a query, and has no body.
type Write struct {
	Method, Path string
	Try          int // of the same write, from 1
}

// Answer is what became of a write.
type Answer struct {
	Event     Event // EventAnswered, EventLost or EventUnsent
	Status    int   // of EventAnswered
	RequestID string
}

// intend notes that a write is about to be sent because of the change of an object. It must not be sent after an error. The
// function that it returns takes what became of it, once, and keeps it until it can be written: the answer has come by then,
// and nobody may lose it because of the record. Answers that could not be written stop the next write.
func (r *record) intend(ctx context.Context, o Object, impact any, w Write) (func(Answer), error) {
	told, err := json.Marshal(impact)
	if err != nil {
		return nil, fmt.Errorf("the impact of the change cannot be recorded: %w", err)
	}
	intent := Line{
		Event: EventIntent, Reference: r.reference, Emergency: r.emergency, Actor: r.maker.Actor(ctx), Object: o,
		Method: w.Method, Path: w.Path, Try: w.Try, Run: r.maker.Run, Impact: told, Time: r.now(),
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.settle(ctx); err != nil {
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
		r.owed = append(r.owed, line)
		_ = r.settle(context.WithoutCancel(ctx)) // unwritten tells it
	}, nil
}

// settle writes the answers that are owed.
func (r *record) settle(ctx context.Context) error {
	for len(r.owed) > 0 {
		if _, r.lost = appendLine(ctx, r.path, r.owed[0]); r.lost != nil {
			return fmt.Errorf("the answer to an earlier write (%s %s) is not recorded yet: %w", r.owed[0].Method, r.owed[0].Path, r.lost)
		}
		r.owed = r.owed[1:]
	}
	return nil
}

// unwritten says which answers are not in the record, and why; nil when all are. They are tried again before.
func (r *record) unwritten(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.settle(context.WithoutCancel(ctx)); err == nil {
		return nil
	}
	var b strings.Builder
	for _, l := range r.owed {
		fmt.Fprintf(&b, "\n  %s %s of %s: %s", l.Method, l.Path, l.Object, l.Event)
		if l.Status != nil {
			fmt.Fprintf(&b, " with status %d, request %s", *l.Status, l.RequestID)
		}
	}
	return fmt.Errorf("%w. Not recorded are:%s", r.lost, b.String())
}

func (r *record) now() string { return r.maker.Now().UTC().Format("2006-01-02T15:04:05.000Z07:00") }

// ErrDamaged: the file does not end in what was written to it.
var ErrDamaged = errors.New("does not end in a line of a change record")
