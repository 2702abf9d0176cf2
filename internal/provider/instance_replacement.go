// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// replacement carries a store over to a new one, as Dev Center tells people to do by hand (Heroku Key-Value Store and
// Private Spaces, "Migrating from a Premium KVS Plan to a Private KVS Plan").
//
// Nothing about it is remembered here: a crash would lose it. Each step is found at Heroku by the names that package
// keyvalue derives from the old store's id, so that a later run sees what is done and does the rest. Until the first
// attachment moves, the old store is the one in use and everything can be undone; from then on it is only finished.
type replacement struct {
	*instanceResource
	want    *instanceModel // as planned; it is read into at the end
	terms   migrationModel
	timeout time.Duration

	old     heroku.AddOn
	fresh   *heroku.AddOn      // the new store; nil: not ordered yet
	ordered heroku.AddOnID     // the new store, if this run has ordered it
	apps    []heroku.AppID     // the old store's own, and all that are attached to one of them
	names   []string           // under which the app of the old store has one of them
	carried map[place]bool     // what the old store was attached to
	begun   bool               // the old store bears the mark of a replacement
	since   string             // when the mark was made
	moved   bool               // an attachment leads to the new store
	left    bool               // and one to the old one, beside the mark
	lease   heroku.Attachment  // of this run; without an id: none
	leased  *heroku.Attachment // of another run, when the stores were looked up
	still   bool               // the apps are held, and were so before the first of them could write to the new store
	proven  bool
}

// place is an attachment by what apps know it by.
type place struct {
	app  heroku.AppID
	name string
}

// replace is the life of a replacement. Unless it is done, the state stays as it was and the next apply continues.
func (r *instanceResource) replace(ctx context.Context, state instanceModel, plan *instanceModel, timeout time.Duration) (done bool, diags diag.Diagnostics) {
	m, now, err := r.joinReplacement(ctx, &state, plan, timeout)
	if err != nil {
		return false, diag.Diagnostics{r.failure("Unable to replace Key-Value Store", state.label(), err)}
	}
	if m == nil {
		return r.replacedAlready(ctx, state, plan, now)
	}
	defer func() { _ = m.giveBack(ctx) }()
	diags = m.prepare(ctx)
	if !diags.HasError() {
		diags.Append(m.copy(ctx)...)
	}
	if !diags.HasError() {
		diags.Append(m.claimCopy(ctx)...)
	}
	lasting := context.WithoutCancel(ctx)
	if diags.HasError() {
		return m.stop(lasting, state, diags)
	}
	// An interrupt from here on would leave apps on different stores.
	lasting = m.underLease(lasting)
	if diags.Append(m.takeOver(lasting)...); diags.HasError() {
		return false, diags
	}
	if diags.Append(plan.readBack(lasting, r, *m.fresh)...); diags.HasError() {
		return false, diags
	}
	done, last := m.retire(lasting)
	diags.Append(last...)
	return done, diags
}

func (m *replacement) mark() string { return keyvalue.MigrationMark(string(m.old.ID)) }

// markOf says that an attachment of a store is there for its replacement only, or for the one by which it was made.
func markOf(old heroku.AddOnID, name string) bool {
	return name == keyvalue.MigrationMark(string(old)) || name == keyvalue.RetiredAttachment(string(old)) ||
		keyvalue.IsLease(name, string(old)) || keyvalue.IsSuccession(name)
}

func (m *replacement) stopgap() string { return keyvalue.ForkAttachment(string(m.old.ID)) }
func (m *replacement) label() string {
	return fmt.Sprintf("Key-Value Store %s (%s)", m.old.Name, m.old.ID)
}

// asWanted says that the new store is the one that the configuration asks for, and not for an earlier one.
func (m *replacement) asWanted() bool {
	return string(m.fresh.AppID) == m.want.AppID.ValueString() && shortPlan(m.fresh.Plan) == string(m.want.spec().Plan)
}

// prepare makes sure that the new store can be, and marks the old one before anything else is touched.
func (m *replacement) prepare(ctx context.Context) diag.Diagnostics {
	if m.moved {
		if !m.asWanted() {
			return diag.Diagnostics{m.underWay()}
		}
		return nil
	}
	app, diags := m.place(ctx, m.want)
	if !diags.HasError() && m.want.AppID.ValueString() != string(m.old.AppID) {
		diags.Append(m.nameIsFree(ctx, app.ID, m.want.AttachmentName, m.old.ID)...)
	}
	if diags.HasError() {
		return diags
	}
	if m.fresh != nil && !m.asWanted() {
		if err := m.discard(ctx); err != nil {
			return diag.Diagnostics{m.halted(err)}
		}
	}
	if !m.terms.recreates() && m.fresh == nil {
		diags.Append(m.proveOld(ctx)...)
	}
	if diags.HasError() || m.begun {
		return diags
	}
	if err := m.begin(ctx); err != nil {
		diags.Append(m.halted(err))
	}
	return diags
}

// begin marks the old store.
func (m *replacement) begin(ctx context.Context) error {
	mark, err := m.client.CreateAttachment(ctx, heroku.AttachmentCreate{AddOn: m.old.ID, App: m.old.AppID, Name: m.mark()})
	if err == nil {
		m.begun, m.since = true, mark.CreatedAt
	}
	return err
}

// proveOld shows that the old store can be copied and has room in the new one.
func (m *replacement) proveOld(ctx context.Context) diag.Diagnostics {
	source, err := m.client.Store(ctx, m.old.ID)
	if err != nil {
		return diag.Diagnostics{m.failure("Unable to read the settings of Key-Value Store", m.label(), err)}
	}
	at := replacedBy(instanceModel{AppID: types.StringValue(string(m.old.AppID))}, *m.want)
	return m.proveSource(ctx, source.ResourceURL, at, false, m.want.spec().Plan, true)
}

// underWay refuses another direction after the apps have begun to use the new store.
func (m *replacement) underWay() diag.Diagnostic {
	return diag.NewErrorDiagnostic("A replacement is under way", fmt.Sprintf(
		"%s is being replaced by %s (%s) on the plan %s of app %s, and apps use the new store already: going back would lose what they have written. "+
			"Apply the configuration that began this to finish it, and change it after that.",
		m.label(), m.fresh.Name, m.fresh.ID, shortPlan(m.fresh.Plan), m.fresh.AppName))
}

// copy fills the new store and proves it, while the apps are held if that is wanted. Nobody uses it yet.
func (m *replacement) copy(ctx context.Context) diag.Diagnostics {
	held := false
	if m.terms.holds() && m.left {
		var err error
		if held, err = m.holdApps(ctx, m.old.ID, m.apps, m.terms.hold()); err != nil {
			return diag.Diagnostics{m.halted(err)}
		}
		m.still = held || !m.moved
	}
	if m.moved {
		return m.remember(ctx)
	}
	if err := m.discardStale(ctx, held); err != nil {
		return diag.Diagnostics{m.halted(err)}
	}
	if m.fresh == nil {
		if diags := m.order(ctx); diags.HasError() {
			return diags
		}
	}
	if err := m.settle(ctx); err != nil {
		return m.notSettled(ctx, err)
	}
	return m.verify(ctx)
}

func (m migrationModel) holds() bool {
	hold := m.hold()
	return hold.AppMaintenance || hold.ScaleDown
}

// remember proves the copy once more, for an earlier run that moved the first attachment. What the apps have written
// since makes that impossible, and the old store is kept then.
func (m *replacement) remember(ctx context.Context) diag.Diagnostics {
	if m.terms.recreates() || !m.terms.verifies() {
		return nil
	}
	result, _, err := m.proveCopy(ctx, m.old.ID, m.fresh.ID)
	m.proven = err == nil && result == proven
	return nil
}

// discardStale gives up a copy of an earlier run that is complete already, unless the apps have been held ever since:
// what they have written after it is only in the old store. One that is still being made goes on receiving their writes.
func (m *replacement) discardStale(ctx context.Context, held bool) error {
	if m.fresh == nil {
		return nil
	}
	if !ending(*m.fresh) {
		if held || m.terms.recreates() {
			return nil
		}
		store, err := m.client.Store(ctx, m.fresh.ID)
		if heroku.IsNotFound(err) || err == nil && store.Preparing() {
			return nil
		}
	}
	return m.discard(ctx)
}

// discard destroys the new store, which nobody uses: under the lease, and after another look.
func (m *replacement) discard(ctx context.Context) error {
	given := m.fresh.ID
	if err := m.claim(ctx); err != nil {
		return err
	}
	switch {
	case m.fresh == nil: // another run has done it
		return nil
	case m.fresh.ID != given:
		return errCopyGone
	}
	unused, err := m.unused(ctx, given)
	if err == nil && !unused {
		err = fmt.Errorf("the new store %s (%s) is in use: it has attachments beside %s", m.fresh.Name, given, m.stopgap())
	}
	if err == nil {
		err = m.destroyStore(m.underLease(ctx), given, m.timeout)
	}
	if err == nil {
		m.fresh = nil
	}
	return err
}

// unused reports that a new store has no attachment but the one that it was ordered with.
func (m *replacement) unused(ctx context.Context, fresh heroku.AddOnID) (bool, error) {
	attachments, err := m.client.AddOnAttachments(ctx, fresh)
	if heroku.IsNotFound(err) {
		return true, nil
	}
	return !slices.ContainsFunc(attachments, func(a heroku.Attachment) bool { return a.Name != m.stopgap() }), err
}

// order orders the new store. No app reads its copy before it is complete, so its first attachment is a stopgap.
func (m *replacement) order(ctx context.Context) diag.Diagnostics {
	app, err := m.client.App(ctx, heroku.AppID(m.want.AppID.ValueString()))
	if err != nil {
		return diag.Diagnostics{m.failure("Unable to read the app of the Key-Value Store", m.label(), err)}
	}
	order := m.want.order(app)
	order.Name, order.AttachmentName = keyvalue.ForkName(string(m.old.ID)), m.stopgap()
	if !m.terms.recreates() {
		source, err := m.client.Store(ctx, m.old.ID)
		if err != nil {
			return diag.Diagnostics{m.failure("Unable to read the settings of Key-Value Store", m.label(), err)}
		}
		order.Config["fork"] = source.ResourceURL.Reveal()
	}
	fresh, err := m.client.CreateAddOn(ctx, app.ID, order)
	if heroku.HasID(err, "invalid_params") { // another run may have ordered it a moment ago
		if _, err := m.findFresh(ctx); err != nil {
			return diag.Diagnostics{m.halted(err)}
		}
		if m.fresh != nil && m.asWanted() {
			return nil
		}
	}
	if err != nil {
		return diag.Diagnostics{m.halted(fmt.Errorf("ordering the new store %s: %w", order.Name, err))}
	}
	m.fresh, m.ordered = &fresh, fresh.ID
	return nil
}

// settle waits for the copy and gives the new store what a fork does not copy: settings and maintenance window.
func (m *replacement) settle(ctx context.Context) error {
	fresh, err := m.client.WaitAddOnProvisioned(ctx, m.fresh.ID, m.timeout)
	if err != nil {
		return err
	}
	store, err := m.client.WaitStoreAvailable(ctx, fresh.ID, string(m.want.spec().Plan), m.timeout)
	if err != nil {
		return err
	}
	m.fresh = &fresh
	if update, changed := m.want.settingsFor(store); changed {
		if err := m.client.UpdateStoreConfig(ctx, fresh.ID, update); err != nil {
			return err
		}
	}
	before, err := m.client.Store(ctx, m.old.ID)
	if err != nil || before.MaintenanceWindow == "" || store.MaintenanceWindow == "" || before.MaintenanceWindow == store.MaintenanceWindow {
		return err // not every plan has a window
	}
	window, err := keyvalue.ParseWindowText(before.MaintenanceWindow)
	if err == nil {
		_, err = m.client.SetMaintenanceWindow(ctx, fresh.ID, strings.ToLower(window.Day.String()), window.TimeOfDay())
	}
	return err
}

// notSettled: a copy that Heroku gave up is of no use to the next run.
func (m *replacement) notSettled(ctx context.Context, err error) diag.Diagnostics {
	failed := m.halted(fmt.Errorf("the new store %s (%s): %w", m.fresh.Name, m.fresh.ID, err))
	if declaredFailed(err) {
		if err := m.discard(context.WithoutCancel(ctx)); err != nil {
			return diag.Diagnostics{failed, m.failure("Unable to destroy Key-Value Store", fmt.Sprintf("Key-Value Store %s (%s)", m.fresh.Name, m.fresh.ID), err)}
		}
	}
	return diag.Diagnostics{failed}
}

// verify compares the keys of both stores. If they differ, the new store is destroyed.
func (m *replacement) verify(ctx context.Context) diag.Diagnostics {
	if m.terms.recreates() || !m.terms.verifies() {
		return nil
	}
	result, said, err := m.proveCopy(ctx, m.old.ID, m.fresh.ID)
	switch {
	case err != nil:
		return diag.Diagnostics{m.failure("Unable to verify the copy of Key-Value Store", m.label(), err)}
	case result == proven:
		m.proven = true
		return nil
	case result == notProven:
		return diag.Diagnostics{diag.NewWarningDiagnostic("The copy is not proven", fmt.Sprintf(
			"%s: %s\n\nHeroku reports that the fork is complete, and the attachments are moved to it. %s", m.label(), said, m.fate()))}
	}
	copied := *m.fresh
	diags := diag.Diagnostics{diag.NewErrorDiagnostic("The copy is not complete", fmt.Sprintf(
		"%s: %s\n\nNothing has moved: the old store is untouched and in use, and the new one, %s (%s), is destroyed. "+
			"If apps wrote to the old one meanwhile, set migration = { app_maintenance = true, scale_down = true }, and apply again.", m.label(), said, copied.Name, copied.ID))}
	if err := m.discard(context.WithoutCancel(ctx)); err != nil {
		diags.Append(m.failure("Unable to destroy Key-Value Store", fmt.Sprintf("Key-Value Store %s (%s)", copied.Name, copied.ID), err))
	}
	return diags
}

// fate is what becomes of the old store when nothing is proven.
func (m *replacement) fate() string {
	if m.terms.retires() == retireAlways {
		return "The old store is destroyed, since migration.retire is \"always\"."
	}
	return "The old store is kept, as retired_instance_id, until migration = { retire = \"always\" } is applied."
}

// halted says that a step has failed while the old store is the one in use.
func (m *replacement) halted(err error) diag.Diagnostic {
	const untouched = "\n\nNothing has moved: the store is as it was, and in use."
	failure := m.failure("Unable to replace Key-Value Store", m.label(), err)
	if m.nextStep(applying, err) != "" {
		return diag.NewErrorDiagnostic(failure.Summary(), failure.Detail()+untouched)
	}
	return diag.NewErrorDiagnostic(failure.Summary(), failure.Detail()+untouched+" The next apply continues.")
}

// stepBack puts the apps back after a failure before anything has moved, and takes the mark away if there is nothing
// to continue with. It is also done when the run was interrupted. Whoever has the lease needs both as they are.
func (m *replacement) stepBack(ctx context.Context) diag.Diagnostics {
	if m.moved && m.left {
		return nil
	}
	ctx = context.WithoutCancel(ctx)
	if m.begun && !m.moved && m.leaseHolds() != nil {
		other, err := m.takeLease(ctx)
		if err == nil && other == nil {
			err = m.lookUp(ctx, m.old.ID)
		}
		if other != nil || err == nil && m.moved && m.left || heroku.IsNotFound(err) {
			return nil
		}
	}
	if err := m.releaseApps(ctx, m.old.ID, m.apps); err != nil {
		return diag.Diagnostics{m.failure("Unable to put the apps back", m.label(), err)}
	}
	if m.fresh != nil || m.moved || !m.begun {
		return nil
	}
	if err := m.removeMark(ctx); err != nil {
		return diag.Diagnostics{m.failure("Unable to detach", m.label(), err)}
	}
	return nil
}

// takeOver makes the new store the one that everybody knows: attachments first, then its name, then the apps go on.
func (m *replacement) takeOver(ctx context.Context) diag.Diagnostics {
	err := m.moveAttachments(ctx)
	if err != nil {
		return m.notMoved(ctx, err)
	}
	err = m.attachOwner(ctx)
	if err == nil {
		err = m.moveName(ctx)
	}
	// Whatever is left to do, the apps are all on the new store.
	if err = errors.Join(err, m.releaseApps(ctx, m.old.ID, m.apps)); err != nil {
		return diag.Diagnostics{m.notFinished(err)}
	}
	return nil
}

// notFinished says that a step has failed while the new store is the one in use. It names both: the state has the old one.
func (m *replacement) notFinished(err error) diag.Diagnostic {
	return m.failure("Unable to finish the replacement of Key-Value Store",
		fmt.Sprintf("%s, whose data and attachments %s (%s) has already", m.label(), m.fresh.Name, m.fresh.ID), err)
}

// moveName gives the old store another name and the new one its own.
func (m *replacement) moveName(ctx context.Context) error {
	if err := m.keepLease(ctx); err != nil {
		return err
	}
	original, retired := keyvalue.OriginalName(m.old.Name, string(m.old.ID))
	if !retired {
		original = m.old.Name
		away := keyvalue.RetiredName(original, string(m.old.ID))
		if _, err := m.client.UpdateAddOn(ctx, m.old.AppID, m.old.ID, heroku.AddOnUpdate{Name: &away}); err != nil {
			return err
		}
		m.old.Name = away
	}
	if m.fresh.Name == original {
		return nil
	}
	fresh, err := m.client.UpdateAddOn(ctx, m.fresh.AppID, m.fresh.ID, heroku.AddOnUpdate{Name: &original})
	if err == nil {
		m.fresh = &fresh
	}
	return err
}

// abandon undoes a replacement that an earlier run began and that the configuration does not ask for any more.
func (r *instanceResource) abandon(ctx context.Context, state instanceModel, plan *instanceModel, timeout time.Duration) diag.Diagnostics {
	m, err := r.replacementOf(ctx, state, plan, timeout)
	defer func() { _ = m.giveBack(ctx) }()
	switch {
	case err != nil:
		return diag.Diagnostics{r.notUndone(state, err, "How far it is could not be found out, so nothing has been changed.")}
	case m.moved:
		return diag.Diagnostics{m.underWay()}
	case m.fresh != nil:
		if err := m.discard(ctx); err != nil {
			return diag.Diagnostics{r.notUndone(state, err, fmt.Sprintf(
				"The store is as it was, and in use. The new one, %s (%s), may still be there, and no app uses it.", m.fresh.Name, m.fresh.ID))}
		}
	}
	return m.stepBack(ctx)
}

// notUndone says where that leaves the stores.
func (r *instanceResource) notUndone(state instanceModel, err error, stands string) diag.Diagnostic {
	return diag.NewErrorDiagnostic("Unable to undo the replacement of Key-Value Store", fmt.Sprintf(
		"%s\n\n%s The cause removed, apply again to undo it.", r.failure("", state.label(), err).Detail(), stands))
}
