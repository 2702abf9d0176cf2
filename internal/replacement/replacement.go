// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

// Package replacement carries a Key-Value Store over to a new one, in the steps that Dev Center tells people to do by hand
// (Heroku Key-Value Store and Private Spaces, "Migrating from a Premium KVS Plan to a Private KVS Plan"): the apps are held
// if that is wanted, the new store is ordered as a fork of the old one, the copy is verified, the attachments are moved, the
// names are exchanged, and the old store is retired.
//
// Nothing about it is remembered on the machine that runs it: a crash would lose it. Each step is found at Heroku by the
// names that package keyvalue derives from the old store's id, so that a later run sees what is done and does the rest. Until
// the first attachment moves, the old store is the one in use and everything can be undone; from then on it is only finished.
//
// The package knows nothing of Terraform. What a person has to know is a Finding, which the caller words. Which calls
// destroy or overwrite something, and on which proof, is in the documentation of package provider.
package replacement

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// Phase is how far a replacement has come.
type Phase int

// Heroku itself shows the first two and PhaseMoving; the others are reached by the run that is under way.
const (
	PhaseNotStarted Phase = iota // the old store has no migration marker
	PhaseCopying                 // it has; the new store may have been ordered, and no app uses it
	PhaseVerified                // this run has the copy that it has verified, and the lease
	PhaseMoving                  // an attachment leads to the new store: from here on nothing is undone
	PhaseRenamed                 // the new store has the old one's attachments and name
	PhaseRetired                 // the old store is destroyed, or kept without a part in this any more
)

// canBeUndone says that there is something to undo, and that no app uses the new store yet.
func (p Phase) canBeUndone() bool { return p == PhaseCopying || p == PhaseVerified }

// What becomes of the old store. A store that is kept is paid for.
const (
	RetireWhenVerified = "when_verified" // it is destroyed if the copy was verified, else kept
	RetireAlways       = "always"
	RetireNever        = "never"
)

// Terms say how a replacement is carried out.
type Terms struct {
	Recreate bool // the new store begins empty instead of as a fork
	Verify   bool // the keys of both stores are counted
	Retire   string
	Hold     Hold
}

// Plan is what a replacement has to make.
type Plan struct {
	Old            Store // as the caller knows it: it may have been replaced since
	AppID          heroku.AppID
	Plan           keyvalue.PlanName
	AttachmentName string // on the app of the new store; empty: the one that the old store has on its own app
	Order          func(heroku.App) heroku.AddOnCreate
	Settings       func(heroku.Store) (update heroku.StoreConfigUpdate, changed bool) // that the new store lacks
	Terms          Terms
	Timeout        time.Duration

	// What the caller looks at in the course of a replacement. A finding that is a failure ends it.
	CheckTarget func(ctx context.Context, old heroku.AddOn) Findings                       // before the new store is ordered
	CheckSource func(ctx context.Context, old heroku.AddOn, source heroku.Secret) Findings // before the old one is copied
	ReadBack    func(ctx context.Context, now heroku.AddOn) Findings                       // before the old one is retired
}

// Outcome is how a run has ended.
type Outcome struct {
	Phase    Phase
	Kept     heroku.AddOnID // the old store, where it still is there after PhaseRetired
	Findings Findings
}

// Manager carries out replacements within one run of the provider.
type Manager struct {
	client    *heroku.Client
	locks     *AppLocks
	inspect   Inspect
	protector func(heroku.AddOnID) (label string, protected bool)
}

// NewManager returns a Manager. protector names what protects a store from being destroyed in this run.
func NewManager(client *heroku.Client, locks *AppLocks, inspect Inspect, protector func(heroku.AddOnID) (string, bool)) *Manager {
	return &Manager{client, locks, inspect, protector}
}

// replacement is one run of it.
type replacement struct {
	*Manager
	plan Plan

	old           heroku.AddOn
	newStore      *heroku.AddOn  // nil: not ordered yet
	ordered       heroku.AddOnID // the new store, if this run has ordered it
	phase         Phase
	markedAt      string                  // when the old store got the migration marker
	oldInUse      bool                    // it has an attachment beside those that the replacement makes
	apps          []heroku.AppID          // the old store's own, and all that are attached to one of them
	names         []string                // under which the app of the old store has one of them
	attachments   map[attachmentName]bool // that the old store had, and that have to lead to the new one
	lease         heroku.Attachment       // of this run; without an id: none
	leaseOfOther  *heroku.Attachment      // when the stores were looked up
	heldSinceCopy bool                    // the apps are held, and were so before the first of them could write to the new store
	verification  Verification
}

// Resume carries out what is left to do of a replacement. Before PhaseRetired the caller's store stays the old one, and the
// next run continues.
func (m *Manager) Resume(ctx context.Context, plan Plan) Outcome {
	r, found, err := m.join(ctx, plan)
	if err != nil {
		return Outcome{Findings: Findings{Failure{StepReplace, plan.Old, err}}}
	}
	if r == nil {
		return m.adopt(ctx, plan, found)
	}
	defer func() { _ = r.giveBackLease(ctx) }()
	findings := r.prepare(ctx)
	if !findings.Failed() {
		findings.Append(r.copy(ctx)...)
	}
	if !findings.Failed() {
		findings.Append(r.claimCopy(ctx)...)
	}
	lasting := context.WithoutCancel(ctx)
	if findings.Failed() {
		return r.stop(lasting, findings)
	}
	// An interrupt from here on would leave apps on different stores.
	lasting = r.underLease(lasting)
	if findings.Append(r.takeOver(lasting)...); findings.Failed() {
		return Outcome{Phase: r.phase, Findings: findings}
	}
	if findings.Append(plan.ReadBack(lasting, *r.newStore)...); findings.Failed() {
		return Outcome{Phase: r.phase, Findings: findings}
	}
	outcome := r.retire(lasting)
	outcome.Findings = append(findings, outcome.Findings...)
	return outcome
}

// prepare makes sure that the new store can be, and marks the old one before anything else is touched.
func (r *replacement) prepare(ctx context.Context) Findings {
	if r.phase >= PhaseMoving {
		if !r.asPlanned() {
			return Findings{r.underWay()}
		}
		return nil
	}
	findings := r.plan.CheckTarget(ctx, r.old)
	if findings.Failed() {
		return findings
	}
	if r.newStore != nil && !r.asPlanned() {
		if err := r.discard(ctx); err != nil {
			return Findings{r.halted(err)}
		}
	}
	if !r.plan.Terms.Recreate && r.newStore == nil {
		findings.Append(r.checkSource(ctx)...)
	}
	if findings.Failed() || r.phase != PhaseNotStarted {
		return findings
	}
	if err := r.begin(ctx); err != nil {
		findings.Append(r.halted(err))
	}
	return findings
}

// asPlanned says that the new store is the one that is planned, and not one of an earlier plan.
func (r *replacement) asPlanned() bool {
	return r.newStore.AppID == r.plan.AppID && keyvalue.ShortPlanName(r.newStore.Plan) == string(r.plan.Plan)
}

// begin marks the old store.
func (r *replacement) begin(ctx context.Context) error {
	order := heroku.AttachmentCreate{AddOn: r.old.ID, App: r.old.AppID, Name: r.migrationMarker()}
	marker, err := r.client.CreateAttachment(ctx, order)
	if err == nil {
		r.phase, r.markedAt = PhaseCopying, marker.CreatedAt
	}
	return err
}

// checkSource has the caller see whether the old store can be copied and has room in the new one.
func (r *replacement) checkSource(ctx context.Context) Findings {
	source, err := r.client.Store(ctx, r.old.ID)
	if err != nil {
		return Findings{Failure{StepReadSettings, storeOf(r.old), err}}
	}
	return r.plan.CheckSource(ctx, r.old, source.ResourceURL)
}

// copy fills the new store and verifies it, while the apps are held if that is wanted. Nobody uses it yet.
func (r *replacement) copy(ctx context.Context) Findings {
	held := false
	if r.plan.Terms.Hold != (Hold{}) && r.oldInUse {
		var err error
		if held, err = r.Hold(ctx, r.old.ID, r.apps, r.plan.Terms.Hold); err != nil {
			return Findings{r.halted(err)}
		}
		r.heldSinceCopy = held || r.phase < PhaseMoving
	}
	if r.phase >= PhaseMoving {
		r.verifyAgain(ctx)
		return nil
	}
	if err := r.discardStale(ctx, held); err != nil {
		return Findings{r.halted(err)}
	}
	if r.newStore == nil {
		if findings := r.order(ctx); findings.Failed() {
			return findings
		}
	}
	if err := r.settle(ctx); err != nil {
		return r.notSettled(ctx, err)
	}
	return r.verify(ctx)
}

// takeOver makes the new store the one that everybody knows: attachments first, then its name, then the apps go on.
func (r *replacement) takeOver(ctx context.Context) Findings {
	if err := r.moveAttachments(ctx); err != nil {
		return r.notMoved(ctx, err)
	}
	r.phase = PhaseMoving
	err := r.attachOwner(ctx)
	if err == nil {
		err = r.exchangeNames(ctx)
	}
	// Whatever is left to do, the apps are all on the new store.
	if err = errors.Join(err, r.Release(ctx, r.old.ID, r.apps)); err != nil {
		return Findings{r.unfinished(err)}
	}
	r.phase = PhaseRenamed
	return nil
}

// exchangeNames gives the old store another name and the new one its own.
func (r *replacement) exchangeNames(ctx context.Context) error {
	if err := r.keepLease(ctx); err != nil {
		return err
	}
	original, retired := keyvalue.OriginalName(r.old.Name, string(r.old.ID))
	if !retired {
		original = r.old.Name
		away := keyvalue.RetiredName(original, string(r.old.ID))
		if _, err := r.client.UpdateAddOn(ctx, r.old.AppID, r.old.ID, heroku.AddOnUpdate{Name: &away}); err != nil {
			return err
		}
		r.old.Name = away
	}
	if r.newStore.Name == original {
		return nil
	}
	renamed, err := r.client.UpdateAddOn(ctx, r.newStore.AppID, r.newStore.ID, heroku.AddOnUpdate{Name: &original})
	if err == nil {
		r.newStore = &renamed
	}
	return err
}

// retire destroys the old store or keeps it. A store that could not be destroyed is left to a later run, of the new store.
// One that is kept ends the replacement here.
func (r *replacement) retire(ctx context.Context) Outcome {
	if err := r.arrived(ctx); err != nil {
		return Outcome{Phase: r.phase, Findings: Findings{r.unfinished(err)}}
	}
	terms := r.plan.Terms
	if terms.Retire != RetireAlways && (terms.Retire == RetireNever || r.verification != Verified && !terms.Recreate) {
		if err := r.keepOld(ctx); err != nil {
			return Outcome{Phase: r.phase, Findings: Findings{r.unfinished(err)}}
		}
		return Outcome{Phase: PhaseRetired, Kept: r.old.ID}
	}
	if err := r.Destroy(ctx, r.old.ID, r.plan.Timeout); err != nil {
		return Outcome{Phase: PhaseRetired, Kept: r.old.ID, Findings: Findings{Failure{StepRetire, storeOf(r.old), err}}}
	}
	r.lease = heroku.Attachment{} // it went together with the store
	return Outcome{Phase: PhaseRetired}
}

// stop ends a run that has failed before it has moved anything: what another run has done meanwhile stands, and what that
// one needs is left to it. The apps are put back by whoever is the last.
func (r *replacement) stop(ctx context.Context, findings Findings) Outcome {
	if r.phase.canBeUndone() {
		r.plan.Timeout = min(r.plan.Timeout, 2*leaseTerm)
		var other leaseHeldError
		if err := r.claimLease(ctx); errors.As(err, &other) {
			return Outcome{Phase: r.phase, Findings: findings}
		}
	}
	if found, overtaken := r.overtaken(ctx); overtaken {
		outcome := r.adopt(ctx, r.plan, found)
		if err := r.Release(ctx, r.old.ID, r.apps); err != nil { // held after the other run had put them back
			outcome.Findings.Append(Failure{StepRelease, storeOf(r.old), err})
		}
		return outcome
	}
	return Outcome{Phase: r.phase, Findings: append(findings, r.stepBack(ctx)...)}
}

// stepBack puts the apps back after a failure before anything has moved, and takes the marker away if there is nothing
// to continue with. It is also done when the run was interrupted. Whoever has the lease needs both as they are.
func (r *replacement) stepBack(ctx context.Context) Findings {
	if r.phase >= PhaseMoving && r.oldInUse {
		return nil
	}
	ctx = context.WithoutCancel(ctx)
	if r.phase.canBeUndone() && r.leaseHolds() != nil {
		other, err := r.takeLease(ctx)
		if err == nil && other == nil {
			err = r.lookUp(ctx, r.old.ID)
		}
		if other != nil || err == nil && r.phase >= PhaseMoving && r.oldInUse || heroku.IsNotFound(err) {
			return nil
		}
	}
	if err := r.Release(ctx, r.old.ID, r.apps); err != nil {
		return Findings{Failure{StepRelease, storeOf(r.old), err}}
	}
	if r.newStore != nil || r.phase >= PhaseMoving || r.phase == PhaseNotStarted {
		return nil
	}
	if err := r.removeMarker(ctx); err != nil {
		return Findings{Failure{StepDetach, storeOf(r.old), err}}
	}
	return nil
}

// Abandon undoes a replacement that an earlier run began and that is not wanted any more.
func (m *Manager) Abandon(ctx context.Context, plan Plan) Findings {
	r, err := m.find(ctx, plan)
	defer func() { _ = r.giveBackLease(ctx) }()
	switch {
	case err != nil:
		return Findings{UndoFailed{Old: plan.Old, Err: err}}
	case r.phase >= PhaseMoving:
		return Findings{r.underWay()}
	case r.newStore != nil:
		left := storeOf(*r.newStore)
		if err := r.discard(ctx); err != nil {
			return Findings{UndoFailed{Old: plan.Old, New: &left, Err: err}}
		}
	}
	return r.stepBack(ctx)
}

// DestroyUnfinished destroys the new store of a replacement that is given up together with the old store, which the caller
// destroys after that, and puts the apps back.
func (m *Manager) DestroyUnfinished(ctx context.Context, plan Plan) Findings {
	r, err := m.find(ctx, plan)
	if heroku.IsNotFound(err) {
		return nil
	}
	defer func() { _ = r.giveBackLease(ctx) }()
	if err == nil && r.newStore != nil {
		if findings := r.destroyUsed(ctx); findings.Failed() {
			return findings
		}
	}
	if err == nil {
		err = r.Release(ctx, r.old.ID, r.apps)
	}
	if err != nil {
		return Findings{Failure{StepDestroy, plan.Old, err}}
	}
	return nil
}

func (r *replacement) underWay() UnderWay {
	return UnderWay{
		Old: storeOf(r.old), New: storeOf(*r.newStore), Plan: keyvalue.ShortPlanName(r.newStore.Plan), AppName: r.newStore.AppName,
	}
}

func (r *replacement) halted(err error) Halted { return Halted{storeOf(r.old), err} }

func (r *replacement) unfinished(err error) Unfinished {
	return Unfinished{storeOf(r.old), storeOf(*r.newStore), err}
}

// Store is a store by what people know it by.
type Store struct {
	ID   heroku.AddOnID
	Name string
}

func storeOf(addOn heroku.AddOn) Store { return Store{addOn.ID, addOn.Name} }

// String names the store in a message.
func (s Store) String() string { return fmt.Sprintf("Key-Value Store %s (%s)", s.Name, s.ID) }
