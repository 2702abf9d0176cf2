// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// This file changes some rules of a space, and leaves all others as they are. Heroku can only replace all rules, without a
// precondition: when two clients read, change and write at the same time, one of them undoes the change of the other. But
// Heroku keeps every ruleset that a space has had. So the rulesets are read before and after each write. Changes that others
// have written in between were undone by this write, and are written again; so is this change if somebody has undone it.
// Changes that arrive at the same time in one client share one write, and a client makes one write at a time per space.

// TrustedRangesChange is a change of some ranges, in canonical CIDR notation.
type TrustedRangesChange struct {
	Add    []string
	Remove []string
	New    bool // fail with a [RangesPresentError] if the space has one of Add already
	Force  bool // write the rules even if nothing changes, which helps when Heroku does not apply them
}

// RangesPresentError means that the space already has ranges that should be new. No request was sent for the change.
type RangesPresentError struct {
	Ranges  []string
	Ruleset Ruleset
}

func (e *RangesPresentError) Error() string {
	return fmt.Sprintf("the space has %s already", strings.Join(e.Ranges, ", "))
}

// UnverifiedError means that a change was sent, but that it could not be verified that the ruleset has it together with the
// changes of others.
type UnverifiedError struct{ Err error }

func (e *UnverifiedError) Error() string {
	return "the ranges were set, but it could not be verified that no change of somebody else was lost: " + e.Err.Error()
}

func (e *UnverifiedError) Unwrap() error { return e.Err }

const (
	collectChangesFor  = 100 * time.Millisecond // real time; short beside the seconds until a change is in force
	maxRulesetWrites   = 12                     // for one change; all but the first are repeated because of changes by others
	maxRulesetReads    = 6                      // until the list and the current ruleset are consistent
	maxUncertainWrites = 4                      // for one change, of writes whose responses are lost
	maxReapplications  = 4                      // of a change that somebody undoes
)

// rangeChange is a change that waits to be written.
type rangeChange struct {
	TrustedRangesChange
	ctx  context.Context
	done chan struct{}
	set  Ruleset
	err  error
}

// rangeChanges are the changes of one space that are written together.
type rangeChanges struct {
	ctx    context.Context // for the requests
	cancel context.CancelFunc
	all    []*rangeChange
}

// rangeQueue holds the waiting changes of one space.
type rangeQueue struct {
	mu   sync.Mutex
	open *rangeChanges // the changes that others can join
	turn chan struct{} // a lock, held while rules are written
}

func newRangeQueue(SpaceID) *rangeQueue { return &rangeQueue{turn: make(chan struct{}, 1)} }

// ChangeTrustedRanges adds and removes some of the ranges of a space, and returns the resulting ruleset. It is in force
// somewhat later, see [Client.WaitTrustedRangesChanged]. Like SetTrustedRanges, it waits for the ruleset of a new space. Once a
// request was sent, the change is not cancelled with ctx. Its errors are *RangesPresentError, *UnverifiedError, and those of
// SetTrustedRanges.
func (c *Client) ChangeTrustedRanges(ctx context.Context, id SpaceID, change TrustedRangesChange) (Ruleset, error) {
	if err := ctx.Err(); err != nil {
		return Ruleset{}, err
	}
	queue := c.rangeQueues.of(id)
	mine := &rangeChange{TrustedRangesChange: change, ctx: ctx, done: make(chan struct{})}
	if opened := queue.join(mine); opened != nil {
		go c.serveRanges(id, queue, opened)
	}
	select {
	case <-mine.done:
	case <-ctx.Done():
		if queue.leave(mine) {
			return Ruleset{}, ctx.Err()
		}
		<-mine.done
	}
	return mine.set, mine.err
}

// WaitTrustedRangesChanged waits until the rules of a space are in force and have the change. If somebody has undone the change
// meanwhile, for example with a web page that was loaded before, it is made again. Its errors are *WaitError and those of
// ChangeTrustedRanges.
func (c *Client) WaitTrustedRangesChanged(
	ctx context.Context, id SpaceID, change TrustedRangesChange, timeout time.Duration,
) (Ruleset, error) {
	change.New, change.Force = false, false
	for repeats := 0; ; repeats++ {
		set, err := c.waitRangesApplied(ctx, id, timeout, func(ctx context.Context) (Ruleset, error) { return c.rulesets.read(ctx, id, poll) })
		switch {
		case err != nil || change.edits().areAppliedIn(set.Rules):
			return set, err
		case repeats == maxReapplications:
			return set, &UnverifiedError{fmt.Errorf("%s has undone them %d times", set.CreatedBy, repeats+1)}
		}
		if set, err = c.ChangeTrustedRanges(ctx, id, change); err != nil {
			return set, err
		}
	}
}

// join adds a change to the waiting ones. For the first, it returns them: the caller has to serve them.
func (q *rangeQueue) join(mine *rangeChange) (opened *rangeChanges) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.open == nil {
		q.open = &rangeChanges{}
		q.open.ctx, q.open.cancel = context.WithCancel(context.WithoutCancel(mine.ctx))
		opened = q.open
	}
	q.open.all = append(q.open.all, mine)
	return opened
}

// leave removes a change from the waiting ones. It returns false if the change is being written already.
func (q *rangeQueue) leave(mine *rangeChange) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.open == nil || !slices.Contains(q.open.all, mine) {
		return false
	}
	q.open.all = slices.DeleteFunc(q.open.all, func(c *rangeChange) bool { return c == mine })
	if len(q.open.all) == 0 {
		q.open.cancel()
		q.open = nil
	}
	return true
}

// seal keeps others from joining the changes, and returns them.
func (q *rangeQueue) seal(changes *rangeChanges) []*rangeChange {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.open == changes {
		q.open = nil
	}
	return changes.all
}

// serveRanges collects changes, waits for its turn, and writes them.
func (c *Client) serveRanges(id SpaceID, queue *rangeQueue, changes *rangeChanges) {
	defer changes.cancel()
	_, err := catchPanic(func() (none struct{}, _ error) {
		_ = RealClock.Sleep(changes.ctx, collectChangesFor)
		select {
		case queue.turn <- struct{}{}:
			defer func() { <-queue.turn }()
		case <-changes.ctx.Done():
			return none, changes.ctx.Err()
		}
		before, err := c.readRulesets(changes.ctx, id, rulesets.complete)
		all := queue.seal(changes)
		if err == nil {
			c.changeRanges(changes, id, before, all)
		}
		return none, err
	})
	for _, change := range queue.seal(changes) {
		change.finish(Ruleset{}, err)
	}
}

// finish reports the result of a change to its caller, unless it has one already.
func (r *rangeChange) finish(set Ruleset, err error) {
	select {
	case <-r.done:
	default:
		r.set, r.err = set, err
		close(r.done)
	}
}

// changeRanges writes changes that can no longer leave the queue. If Heroku refuses them together (422), it writes each by itself,
// since only one of them may be invalid.
func (c *Client) changeRanges(changes *rangeChanges, id SpaceID, before rulesets, all []*rangeChange) {
	all = slices.DeleteFunc(slices.Clone(all), func(change *rangeChange) bool {
		present := change.presentIn(before.current)
		if len(present) > 0 {
			change.finish(before.current, &RangesPresentError{present, before.current})
		}
		return len(present) > 0
	})
	if len(all) == 0 {
		return
	}
	cancelWhenAbandoned(all, changes.cancel)
	set, err := c.writeRanges(changes.ctx, id, before, all)
	var refused *Error
	if len(all) == 1 || !errors.As(err, &refused) || refused.Status != 422 {
		for _, change := range all {
			change.finish(set, err)
		}
		return
	}
	for _, change := range all {
		before, err := c.readRulesets(changes.ctx, id, rulesets.complete)
		if err == nil {
			before.current, err = c.writeRanges(changes.ctx, id, before, []*rangeChange{change})
		}
		change.finish(before.current, err)
	}
}

// presentIn returns the ranges that should be new but are in the ruleset already.
func (r *rangeChange) presentIn(set Ruleset) (present []string) {
	for _, source := range r.Add {
		if r.New && !(edits{Rule{allow, source}.key(): nil}).areAppliedIn(set.Rules) {
			present = append(present, source)
		}
	}
	return present
}

// cancelWhenAbandoned cancels the requests for the changes lookUpTimeout after the contexts of all their callers have ended.
func cancelWhenAbandoned(all []*rangeChange, cancel context.CancelFunc) {
	var waiting atomic.Int64
	waiting.Store(int64(len(all)))
	for _, change := range all {
		stop := context.AfterFunc(change.ctx, func() {
			if waiting.Add(-1) == 0 {
				time.AfterFunc(lookUpTimeout, cancel)
			}
		})
		go func() {
			<-change.done
			stop()
		}()
	}
}

// writeRanges writes until the ruleset has the changes, and also the changes that others have written meanwhile.
func (c *Client) writeRanges(ctx context.Context, id SpaceID, before rulesets, all []*rangeChange) (Ruleset, error) {
	mine, force, callers := edits{}, false, []context.Context{}
	for _, change := range all {
		maps.Copy(mine, change.edits())
		force, callers = force || change.Force, append(callers, context.WithoutCancel(change.ctx))
	}
	for _, change := range all { // a range that one change adds and another removes is added, so that nobody loses access
		maps.Copy(mine, change.edits().added())
	}
	ctx = onBehalfOf(ctx, callers)
	toRestore, sent, uncertainWrites := edits{}, false, 0
	for writes := 0; ; writes++ {
		wanted := mine.over(toRestore)
		switch {
		case wanted.areAppliedIn(before.current.Rules) && (writes > 0 || !force):
			return before.current, nil
		case writes == maxRulesetWrites:
			return before.current, &UnverifiedError{fmt.Errorf("others have changed them %d times meanwhile", writes)}
		}
		rules := wanted.applyTo(before.current.Rules)
		made, mayHaveApplied, err := c.putRules(ctx, id, rules)
		if err != nil && !mayHaveApplied {
			return before.current, asUnverified(err, sent)
		}
		after, e := c.readRulesets(ctx, id, func(r rulesets) bool { return r.complete() && r.areNewerThan(before, made.ID) })
		switch {
		case e != nil && err != nil:
			return before.current, asUnverified(err, sent)
		case e != nil:
			return made, &UnverifiedError{e}
		case err != nil: // the write may have been carried out
			made = after.findWritten(before, rules)
		}
		if made.ID != "" {
			sent = true
			// Earlier restored edits win over later ones: whoever contradicts them so soon has not seen them.
			toRestore = toRestore.over(overwrittenEdits(before.current, made, before.recent(), after.writtenBetween(before, made)))
		} else if uncertainWrites++; uncertainWrites == maxUncertainWrites {
			return before.current, asUnverified(err, sent)
		}
		if mine.over(toRestore).areAppliedIn(after.current.Rules) {
			return after.current, nil
		}
		if e := c.clock.Sleep(ctx, backoff(writes+1)); e != nil {
			return made, &UnverifiedError{e}
		}
		if before, e = c.readRulesets(ctx, id, rulesets.complete); e != nil {
			return made, &UnverifiedError{e}
		}
	}
}

// putRules replaces all rules, without retries: a late retry would undo what others have written since then, as if somebody had
// restored the old rules on purpose. mayHaveApplied means that it failed, but may have been carried out; then it waits for
// settleTime, so that Heroku can finish it.
func (c *Client) putRules(ctx context.Context, id SpaceID, rules []Rule) (made Ruleset, mayHaveApplied bool, err error) {
	k := c.inboundRuleset(id)
	k.operation, k.method, k.body = create, http.MethodPut, wireRules(rules)
	made, err = retryWhileNotFound(ctx, c, id, func() (Ruleset, error) {
		set, r, err := exchange(ctx, c, k, requireID(id, rulesetSpace, decodeOne[wireRuleset]))
		mayHaveApplied = r.mayHaveApplied
		return set, err
	})
	if mayHaveApplied && err != nil {
		_ = c.clock.Sleep(ctx, settleTime)
	}
	return made, mayHaveApplied, err
}

// added returns the edits that add a rule.
func (e edits) added() edits {
	added := maps.Clone(e)
	maps.DeleteFunc(added, func(_ ruleKey, rule *Rule) bool { return rule == nil })
	return added
}

// asUnverified wraps err if a write was sent before.
func asUnverified(err error, sent bool) error {
	if !sent {
		return err
	}
	return &UnverifiedError{err}
}

// rulesets holds all rulesets that a space has had, by their ids, and its current one.
type rulesets struct {
	all     map[string]Ruleset
	current Ruleset
}

// complete reports whether the list has the current ruleset. Otherwise somebody has written between the two reads.
func (r rulesets) complete() bool {
	_, has := r.all[r.current.ID]
	return has
}

// areNewerThan reports whether r shows a state after before: its list has the ruleset with the id made, and its current one is
// new. If made is empty, the write may not have been carried out, and anything counts as newer.
func (r rulesets) areNewerThan(before rulesets, made string) bool {
	_, listed := r.all[made]
	_, stale := before.all[r.current.ID]
	return (made == "" || listed) && (!stale || made == "")
}

// writtenBetween returns the rulesets that others have created since before, and that made has, or may have, overwritten.
func (r rulesets) writtenBetween(before rulesets, made Ruleset) (others []Ruleset) {
	for id, other := range r.all {
		_, known := before.all[id]
		last := id == r.current.ID && id != made.ID
		if !known && !last && id != made.ID && !other.createdTime().After(made.createdTime()) {
			others = append(others, other)
		}
	}
	return others
}

// recent returns the rulesets that were created within staleReadWindow before the current one.
func (r rulesets) recent() (recent []Ruleset) {
	since := r.current.createdTime().Add(-staleReadWindow)
	for id, set := range r.all {
		if id != r.current.ID && set.createdTime().After(since) {
			recent = append(recent, set)
		}
	}
	return recent
}

// findWritten returns the latest ruleset with these rules that was not there before. It has no id if there is none.
func (r rulesets) findWritten(before rulesets, rules []Rule) (made Ruleset) {
	for id, other := range r.all {
		if _, known := before.all[id]; !known && other.has(rules) && !other.createdTime().Before(made.createdTime()) {
			made = other
		}
	}
	return made
}

// readRulesets reads the list of rulesets and the current one until they are consistent: others may write in between, and one of
// the two responses may be stale.
func (c *Client) readRulesets(ctx context.Context, id SpaceID, consistent func(rulesets) bool) (rulesets, error) {
	history := c.get("spaces", string(id), "inbound-rulesets")
	for reads := 1; ; reads++ {
		found, err := retryWhileNotFound(ctx, c, id, func() (r rulesets, err error) {
			all, err := list(ctx, c, history, requireEachID(id, rulesetSpace, decodeMany[wireRuleset]), func(s Ruleset) string { return s.ID })
			if err != nil {
				return r, err
			}
			r.all = make(map[string]Ruleset, len(all))
			for _, set := range all {
				r.all[set.ID] = set
			}
			r.current, err = c.TrustedRanges(ctx, id)
			return r, err
		})
		switch {
		case err != nil || consistent(found):
			return found, err
		case reads == maxRulesetReads:
			return found, fmt.Errorf("the list of rulesets of space %s and the one that it has do not fit together", id)
		}
		if err := c.clock.Sleep(ctx, backoff(reads)); err != nil {
			return found, err
		}
	}
}
