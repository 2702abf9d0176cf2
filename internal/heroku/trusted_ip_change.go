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

// A change of some rules of a space, which leaves all others as they are. Heroku can only replace them all, and compares nothing:
// of two who read, change and write at the same time, one undoes what the other has done. But it keeps every ruleset that a
// space has had. So the rulesets are read before and after each write. Whatever others have written in between was undone by
// this write, and is done again; so is this change if somebody has undone it. Those who change something at the same time in
// one client share one write, and what a client writes for one space it writes in turn.

// TrustedRangesChange is a change of some ranges, in canonical spelling.
type TrustedRangesChange struct {
	Add    []string
	Remove []string
	New    bool // of Add none may be there already: see [RangesPresentError]
	Force  bool // the set is written even if it is as it is to be, which helps when Heroku does not apply it
}

// RangesPresentError says that ranges that were to be new are there already. Nothing was sent for the change.
type RangesPresentError struct {
	Ranges  []string
	Ruleset Ruleset
}

func (e *RangesPresentError) Error() string {
	return fmt.Sprintf("the space has %s already", strings.Join(e.Ranges, ", "))
}

// UnsettledError says that a change was sent, but that it could not be verified that it is in the set, together with what
// others have changed meanwhile.
type UnverifiedError struct{ Err error }

func (e *UnverifiedError) Error() string {
	return "the ranges were set, but it could not be verified that no change of somebody else was lost: " + e.Err.Error()
}

func (e *UnverifiedError) Unwrap() error { return e.Err }

const (
	collectChangesFor  = 100 * time.Millisecond // of real time; a change takes seconds until it is in force
	maxRulesetWrites   = 12                     // of one change; each one but the first means that somebody has written meanwhile
	maxRulesetReads    = 6
	maxUncertainWrites = 4 // of writes that fail, and may have been carried out
	maxReapplications  = 4 // of a change that somebody undoes
)

// rangeChange is a change that waits for its turn.
type rangeChange struct {
	TrustedRangesChange
	ctx  context.Context
	done chan struct{}
	set  Ruleset
	err  error
}

// rangeChanges are those of one space that are to be written together.
type rangeChanges struct {
	ctx    context.Context // of their requests
	cancel context.CancelFunc
	all    []*rangeChange
}

// rangeQueue is where the changes of one space wait.
type rangeQueue struct {
	mu   sync.Mutex
	open *rangeChanges // which others can join
	turn chan struct{} // who writes
}

func newRangeQueue(SpaceID) *rangeQueue { return &rangeQueue{turn: make(chan struct{}, 1)} }

// ChangeTrustedRanges adds and removes some of the ranges of a space, and returns all rules as they are then. They are in force
// somewhat later, see [Client.WaitTrustedRangesApplied]. It waits for the rules of a space as SetTrustedRanges does. Once something has
// been sent, the change outlives ctx. Its errors are *RangesPresentError, *UnsettledError, and those of SetTrustedRanges.
func (c *Client) ChangeTrustedRanges(ctx context.Context, id SpaceID, change TrustedRangesChange) (Ruleset, error) {
	if err := ctx.Err(); err != nil {
		return Ruleset{}, err
	}
	queue := c.rangeQueues.of(id)
	mine := &rangeChange{TrustedRangesChange: change, ctx: ctx, done: make(chan struct{})}
	if begun := queue.join(mine); begun != nil {
		go c.serveRanges(id, queue, begun)
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

// WaitTrustedRangesChanged waits until the rules of a space are in force, with a change that was made. When somebody has undone it
// meanwhile, with a page that was loaded before, it is made again. Its errors are *WaitError and those of ChangeTrustedRanges.
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

// join adds a change to those that wait. It returns them if it is the first.
func (q *rangeQueue) join(mine *rangeChange) (begun *rangeChanges) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.open == nil {
		q.open = &rangeChanges{}
		q.open.ctx, q.open.cancel = context.WithCancel(context.WithoutCancel(mine.ctx))
		begun = q.open
	}
	q.open.all = append(q.open.all, mine)
	return begun
}

// leave takes a change back for which nothing has been sent.
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

// take ends the collecting.
func (q *rangeQueue) seal(changes *rangeChanges) []*rangeChange {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.open == changes {
		q.open = nil
	}
	return changes.all
}

// serveRanges makes changes that have come together.
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
		change.end(Ruleset{}, err)
	}
}

// end answers a change that has no answer yet.
func (r *rangeChange) end(set Ruleset, err error) {
	select {
	case <-r.done:
	default:
		r.set, r.err = set, err
		close(r.done)
	}
}

// changeRanges makes changes that nobody can take back any more. When Heroku refuses them, each is made by itself: the others may be fine.
func (c *Client) changeRanges(changes *rangeChanges, id SpaceID, before rulesets, all []*rangeChange) {
	all = slices.DeleteFunc(slices.Clone(all), func(change *rangeChange) bool {
		present := change.presentIn(before.current)
		if len(present) > 0 {
			change.end(before.current, &RangesPresentError{present, before.current})
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
			change.end(set, err)
		}
		return
	}
	for _, change := range all {
		before, err := c.readRulesets(changes.ctx, id, rulesets.complete)
		if err == nil {
			before.current, err = c.writeRanges(changes.ctx, id, before, []*rangeChange{change})
		}
		change.end(before.current, err)
	}
}

// presentIn are the ranges that were to be new and are there.
func (r *rangeChange) presentIn(set Ruleset) (present []string) {
	for _, source := range r.Add {
		if r.New && !(edits{Rule{allow, source}.key(): nil}).areAppliedIn(set.Rules) {
			present = append(present, source)
		}
	}
	return present
}

// outlive ends the requests for changes some time after all who wait for them have been interrupted.
func cancelWhenAbandoned(all []*rangeChange, cancel context.CancelFunc) {
	var left atomic.Int64
	left.Store(int64(len(all)))
	for _, change := range all {
		stop := context.AfterFunc(change.ctx, func() {
			if left.Add(-1) == 0 {
				time.AfterFunc(lookUpTimeout, cancel)
			}
		})
		go func() {
			<-change.done
			stop()
		}()
	}
}

// writeRanges writes until the changes are in the set, and all that others have written meanwhile as well.
func (c *Client) writeRanges(ctx context.Context, id SpaceID, before rulesets, all []*rangeChange) (Ruleset, error) {
	mine, again, callers := edits{}, false, []context.Context{}
	for _, change := range all {
		maps.Copy(mine, change.edits())
		again, callers = again || change.Force, append(callers, context.WithoutCancel(change.ctx))
	}
	for _, change := range all { // one range may go and come: that shuts nobody out
		maps.Copy(mine, change.edits().added())
	}
	ctx = onBehalfOf(ctx, callers)
	toRestore, sent, uncertainWrites := edits{}, false, 0
	for writes := 0; ; writes++ {
		wanted := mine.over(toRestore)
		switch {
		case wanted.areAppliedIn(before.current.Rules) && (writes > 0 || !again):
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
		case err != nil: // it may have been carried out all the same
			made = after.findWritten(before, rules)
		}
		if made.ID != "" {
			sent = true
			// What was carried over already is not taken back: whoever contradicts it within a moment has not seen it.
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

// putRules replaces all rules, once: what is sent again later would undo what others have written since then, with rules that look as if
// somebody had gone back to them. doubt says that it failed and may have been carried out; Heroku gets a moment to end it.
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

// added are those of the edits that add something.
func (e edits) added() edits {
	added := maps.Clone(e)
	maps.DeleteFunc(added, func(_ ruleKey, rule *Rule) bool { return rule == nil })
	return added
}

func asUnverified(err error, sent bool) error {
	if !sent {
		return err
	}
	return &UnverifiedError{err}
}

// rulesets are those that a space has had, by their ids, and the one that it has.
type rulesets struct {
	all     map[string]Ruleset
	current Ruleset
}

// complete reports whether the one that the space has is among those that it has had. Otherwise it was made between two reads.
func (r rulesets) complete() bool {
	_, has := r.all[r.current.ID]
	return has
}

// follow reports whether they were read after those before, and after one that was made since then.
func (r rulesets) areNewerThan(before rulesets, made string) bool {
	_, listed := r.all[made]
	_, stale := before.all[r.current.ID]
	return (made == "" || listed) && (!stale || made == "")
}

// besides are those that others have made since before, and that made has overwritten, or may have.
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

// recent are those that were there a moment before the current one.
func (r rulesets) recent() (recent []Ruleset) {
	since := r.current.createdTime().Add(-staleReadWindow)
	for id, set := range r.all {
		if id != r.current.ID && set.createdTime().After(since) {
			recent = append(recent, set)
		}
	}
	return recent
}

// madeSince is one that says what rules say, and was not there before.
func (r rulesets) findWritten(before rulesets, rules []Rule) (made Ruleset) {
	for id, other := range r.all {
		if _, known := before.all[id]; !known && other.has(rules) && !other.createdTime().Before(made.createdTime()) {
			made = other
		}
	}
	return made
}

// rulesetsOf reads the rulesets of a space, until they can be what is looked for: others write meanwhile, and Heroku may be
// behind with one of the two answers.
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
