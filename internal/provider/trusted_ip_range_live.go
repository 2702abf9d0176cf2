// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// One range of a space beside the others: who owns it, what the planned edits of a space result in, and how it is read.

const (
	rangeType       = "kvs_trusted_ip_range"
	rangeInAnySpace = "kvs_trusted_ip_range by its range alone" // resource type of an object whose space is unknown
)

// expiry is a time in RFC 3339: "2026-12-18T00:00:00Z" and "2026-12-18T01:00:00+01:00" are equivalent.
type (
	expiry     = normalizedString[expiryNotation]
	expiryType = normalizedStringType[expiryNotation]
)

type expiryNotation struct{}

func (expiryNotation) normalize(s string) (string, error) {
	t, err := keyvalue.ParseExpiry(s)
	return t.UTC().Format(time.RFC3339Nano), err
}

func (m trustedRangeModel) spaceID() heroku.SpaceID { return heroku.SpaceID(m.SpaceID.ValueString()) }

// String names the range in a diagnostic.
func (m trustedRangeModel) String() string {
	return "Trusted IP range " + m.Range.ValueString() + " of space " + m.SpaceID.ValueString()
}

func (m trustedRangeModel) ranges() []string { return []string{m.Range.ValueString()} }

func (m trustedRangeModel) identity() trustedRangeIdentity {
	return trustedRangeIdentity{m.SpaceID, m.Range}
}

// plannedID is the id, unknown while the space or the range is unknown.
func (m trustedRangeModel) plannedID() types.String {
	if !known(m.SpaceID) || !known(m.Range) {
		return types.StringUnknown()
	}
	return types.StringValue(m.SpaceID.ValueString() + ":" + m.Range.ValueString())
}

func (m trustedRangeModel) object() object { return object{rangeType, m.plannedID().ValueString()} }

// claimKey identifies the range of the space, which one instance may own.
func (m trustedRangeModel) claimKey() string {
	return "trusted IP range " + m.plannedID().ValueString()
}

// changeFrom returns stays if the plan keeps the range of the state, and isDestroyed if it replaces it by another one.
func (m trustedRangeModel) changeFrom(state trustedRangeModel) objectChange {
	if known(m.plannedID()) && m.object() != state.object() {
		return isDestroyed
	}
	return stays
}

// note records that the range is in the state.
func (r *trustedRangeResource) note(m trustedRangeModel) {
	r.run.noteInState(m.object())
	r.run.noteInState(object{rangeInAnySpace, m.Range.ValueString()})
}

// onlyOwner refuses a second instance for the range, a kvs_trusted_ip_ranges for the same space, and an instance for 0.0.0.0/0
// beside one that removes it.
func (r *trustedRangeResource) onlyOwner(state, plan trustedRangeModel, replaced string) (diags diag.Diagnostics) {
	if !known(plan.SpaceID) {
		return nil
	}
	space := plan.SpaceID.ValueString()
	text := fmt.Sprintf("a %s for %s", rangeType, cmp.Or(plan.Range.ValueString(), "a range that is known only after apply"))
	whole := trustedRangesModel{SpaceID: plan.SpaceID}
	if other, conflict := r.run.claim(whole.claimKey(), claim{owner: rangeType, text: text}); conflict {
		diags.Append(bothKinds(space, text, wholeSet+other.text))
	}
	if !known(plan.Range) {
		return diags
	}
	mine := claim{id: state.ID.ValueString(), owner: rangeType, text: text, single: true, replaces: replaced}
	if _, conflict := r.run.claim(plan.claimKey(), mine); conflict {
		diags.AddAttributeError(path.Root("range"), "Two resources own one trusted IP range", fmt.Sprintf(
			"%s: two %s of this configuration have it, so that the destroy of one of them would shut out the clients that "+
				"the other one admits. Keep one of them. If both have it in the state, let go of one without removing the "+
				"range: removed { from = %[2]s.other, lifecycle { destroy = false } }.", plan, rangeType))
	}
	closing := claim{owner: "closes_space", text: fmt.Sprintf("closes_space of the %s for %s", rangeType, plan.Range.ValueString())}
	opens := keyvalue.SameCIDR(plan.Range.ValueString(), keyvalue.Internet)
	if opens {
		closing = claim{owner: rangeType, text: text}
	}
	if !opens && !plan.ClosesSpace.ValueBool() {
		return diags
	}
	if other, conflict := r.run.claim("opening of space "+space, closing); conflict || opens && plan.ClosesSpace.ValueBool() {
		diags.AddAttributeError(path.Root("closes_space"), "The space is opened and closed at the same time", fmt.Sprintf(
			"Space %s: %s, and %s. The one adds %s and the other one removes it, at every apply. Keep one of the two.",
			space, closing.text, cmp.Or(other.text, "closes_space of the same resource"), keyvalue.Internet))
	}
	return diags
}

const wholeSet = "a kvs_trusted_ip_ranges with "

// bothKinds refuses a space for which one resource manages all ranges and another one a single range.
func bothKinds(space, one, other string) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(path.Root("space_id"), "The ranges of a space are managed together and one by one", fmt.Sprintf(
		"Space %s: this configuration has %s, and %s. A kvs_trusted_ip_ranges replaces the whole set, so that it would remove the "+
			"single range at every apply. Keep one of the two kinds. To go over to the other one, let go of the first without changing "+
			"anything (removed { from = ..., lifecycle { destroy = false } }), and import what is there.", space, one, other))
}

// planTakeOver decides whether a range that the space has already may be taken over: only from another instance of this plan. Create
// cannot see that, since it knows only the instances that the apply has planned itself. So the plan records it: takes_over is unknown
// if a range may be taken over, and null otherwise, and Terraform refuses to apply a null that has become true.
func (r *trustedRangeResource) planTakeOver(ctx context.Context, plan *trustedRangeModel, replaced string, applying bool) diag.Diagnostics {
	plan.TakesOver = types.BoolNull()
	if r.client == nil {
		return nil
	}
	if !known(plan.plannedID()) {
		if replaced != "" || known(plan.Range) && r.run.awaitInState(ctx, object{rangeInAnySpace, plan.Range.ValueString()}, planningTime) {
			plan.TakesOver = types.BoolUnknown()
		}
		return nil
	}
	live, err := r.client.SharedTrustedRanges(ctx, plan.spaceID())
	if err != nil || !plan.in(live) {
		return nil
	}
	switch {
	case applying:
		plan.TakesOver = types.BoolValue(true)
		if r.run.isInState(plan.object()) {
			return nil
		}
		const summary = "The trusted IP range is taken over as it is"
		return diag.Diagnostics{diag.NewAttributeWarningDiagnostic(path.Root("takes_over"), summary, fmt.Sprintf(
			"%s exists already, and the plan has found it in another instance. If Terraform reports an inconsistent final plan, the "+
				"plan did not find it there: somebody has added the range since then. Nothing has been changed in that case; plan again, "+
				"and the plan says how to import it.", plan))}
	case r.run.awaitInState(ctx, plan.object(), knowWithin):
		plan.TakesOver = types.BoolUnknown()
		return nil
	}
	return diag.Diagnostics{rangePresent(*plan, live)}
}

// mayTakeOver reports whether the plan has found the range in another instance. A value that is still unknown in Create or Update
// was found in this run: see planTakeOver.
func (m trustedRangeModel) mayTakeOver() bool {
	return m.TakesOver.ValueBool() || m.TakesOver.IsUnknown()
}

// rangePresent refuses a range that this configuration has not set.
func rangePresent(m trustedRangeModel, live heroku.Ruleset) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(path.Root("range"), "The trusted IP range exists already", fmt.Sprintf(
		"%s is there, and this configuration has not set it: the "+
			"ranges of the space were set last by %s. If another "+
			"configuration manages it, leave it there: a destroy here "+
			"would shut out the clients that it admits. If only its "+
			"address has changed, say so with a moved block. Otherwise "+
			"import it, and it stays as it is:\n\n%s", m, setBy(live), importBlock(rangeType, m.plannedID().ValueString())))
}

// rangeEdit is the planned edit of one instance to the ranges of a space.
type rangeEdit struct{ add, remove []string }

// editOf returns the edit that a plan makes, as far as it is known. state is empty for a creation.
func (m trustedRangeModel) editOf(state trustedRangeModel) (e rangeEdit) {
	if known(m.Range) && !m.Range.Equal(state.Range) {
		e.add = m.ranges()
		if known(state.Range) {
			e.remove = state.ranges()
		}
	}
	if m.ClosesSpace.ValueBool() && (len(e.add) > 0 || !state.ClosesSpace.ValueBool()) {
		e.remove = append(e.remove, keyvalue.Internet)
	}
	return e
}

// editRanges records the edit of an instance, and returns the ranges of the space after all edits that were recorded so far.
func (r *run) editRanges(space string, live []string, mine rangeEdit) (after []string) {
	if r == nil {
		return mine.applyTo(live)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rangeEdits[space] = append(r.rangeEdits[space], mine)
	all := rangeEdit{}
	for _, one := range r.rangeEdits[space] {
		all.add, all.remove = append(all.add, one.add...), append(all.remove, one.remove...)
	}
	return all.applyTo(live)
}

// applyTo returns the ranges after an edit. A range that is both added and removed is added.
func (e rangeEdit) applyTo(live []string) []string {
	after := slices.Concat(rangesNotIn(live, e.remove), e.add)
	slices.Sort(after)
	return slices.Compact(after)
}

// firstTime reports whether it is called with this text for the first time in the run, so that a warning is given once.
func (r *run) firstTime(text string) bool {
	if r == nil {
		return true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	before := r.warned[text]
	r.warned[text] = true
	return !before
}

// warnOfEdit warns of what an edit means for the space, together with the edits of the instances that were planned before.
func (r *trustedRangeResource) warnOfEdit(ctx context.Context, m trustedRangeModel, edit rangeEdit) diag.Diagnostics {
	space := m.SpaceID.ValueString()
	if r.client == nil || !known(m.SpaceID) || len(edit.add)+len(edit.remove) == 0 || r.run.willBeDestroyed(object{spaceType, space}) {
		return nil
	}
	label, shield, diags := r.spaceOfRanges(ctx, m.spaceID(), path.Root("range"))
	live, err := r.client.SharedTrustedRanges(ctx, m.spaceID())
	if err != nil || diags.HasError() {
		return diags
	}
	before := allowed(live)
	after := r.run.editRanges(space, before, edit)
	removed := slices.DeleteFunc(slices.Clone(before), func(one string) bool { return !slices.Contains(edit.remove, one) })
	diags.Append(warnOfLoss(label, removed, after)...)
	if len(edit.add) == 0 {
		return diags
	}
	reviewed := after
	if slices.Contains(after, keyvalue.Internet) && !slices.Contains(edit.add, keyvalue.Internet) {
		reviewed = rangesNotIn(after, []string{keyvalue.Internet})
		if r.run.firstTime("open " + space) {
			diags.AddAttributeWarning(path.Root("closes_space"), "The trusted IP range restricts nothing", fmt.Sprintf(
				"%s has %s, as every new space does, so that it admits the whole internet whatever other ranges it has. It stays so until one "+
					"%s of it has closes_space = true, which removes that range.", label, keyvalue.Internet, rangeType))
		}
	}
	var hints []string
	for _, hint := range keyvalue.ReviewTrustedRanges(reviewed, shield) {
		if r.run.firstTime(space + hint) {
			hints = append(hints, hint)
		}
	}
	if len(hints) > 0 {
		diags.AddAttributeWarning(path.Root("range"), "Trusted IP ranges may not mean what was intended", label+":\n\n"+bullets(hints))
	}
	return diags
}

// warnOfLoss warns of addresses that a change shuts out: those in a range of removed that no range of after admits.
func warnOfLoss(label string, removed, after []string) diag.Diagnostics {
	out := keyvalue.ShutOut(removed, after)
	if len(out) == 0 {
		return nil
	}
	if slices.Contains(out, keyvalue.Internet) {
		return diag.Diagnostics{diag.NewWarningDiagnostic("The change closes the space", fmt.Sprintf(
			"%s admits the whole internet. The change shuts out everybody but %s.", label, cmp.Or(listed(after), "nobody")))}
	}
	detail := fmt.Sprintf("%s: the change shuts out %s. It admits %s then.", label, listed(out), listed(after))
	if len(after) == 0 {
		detail += " Nobody can reach the web processes in the space any more: it is not opened by this."
	}
	return diag.Diagnostics{diag.NewWarningDiagnostic("The change shuts out addresses", detail)}
}

// spaceOfRanges returns a label for the space and whether it is a Shield Space, and refuses a space that has no trusted IP ranges.
func (c *connection) spaceOfRanges(
	ctx context.Context, id heroku.SpaceID, at path.Path,
) (label string, shield bool, diags diag.Diagnostics) {
	space, err := c.client.Space(ctx, id)
	if err != nil {
		return "Space " + string(id), false, nil
	}
	return fmt.Sprintf("Space %q (%s)", space.Name, space.ID), space.Shield, refuseRangesOf(space, at)
}

// warnOfExpiry warns of a range whose expires_at has passed, by Heroku's clock.
func (r *trustedRangeResource) warnOfExpiry(m trustedRangeModel) diag.Diagnostics {
	end, err := keyvalue.ParseExpiry(m.ExpiresAt.ValueString())
	if r.client == nil || err != nil || r.client.HostTime().Before(end) {
		return nil
	}
	detail := fmt.Sprintf("%s was needed until %s", m, m.ExpiresAt.ValueString())
	if description := m.Description.ValueString(); description != "" {
		detail += fmt.Sprintf(" (%s)", description)
	}
	return diag.Diagnostics{diag.NewAttributeWarningDiagnostic(path.Root("expires_at"), "The trusted IP range has expired",
		detail+". It still admits everybody in it: remove it, or set a later expires_at.")}
}

// warnOfOpening warns of a space that closes_space has closed and somebody has opened since.
func (r *trustedRangeResource) warnOfOpening(m trustedRangeModel, now heroku.Ruleset) diag.Diagnostics {
	if !m.ClosesSpace.ValueBool() || !slices.Contains(allowed(now), keyvalue.Internet) || !r.run.firstTime("opened "+m.SpaceID.ValueString()) {
		return nil
	}
	return diag.Diagnostics{diag.NewWarningDiagnostic("The space is open to the whole internet", fmt.Sprintf(
		"Space %s was closed by closes_space of the range %s, and %s has added %s since: everybody can reach the web processes in the space. "+
			"It stays so until an apply closes it again: plan again soon, and find out why it was opened.",
		m.SpaceID.ValueString(), m.Range.ValueString(), setBy(now), keyvalue.Internet))}
}

func setBy(ruleset heroku.Ruleset) string { return cmp.Or(ruleset.CreatedBy, "somebody") }

// changeOf returns the change that an update sends, nil if it sends nothing.
func (r *trustedRangeResource) changeOf(
	ctx context.Context, state, plan trustedRangeModel,
) (*heroku.TrustedRangesChange, diag.Diagnostics) {
	edit := plan.editOf(state)
	change := heroku.TrustedRangesChange{Add: edit.add, Remove: edit.remove}
	if len(edit.add) > 0 {
		r.run.takeOver(ctx, plan.object())
		change.New = !plan.mayTakeOver()
		// Another instance may have the former range now, if an index of count has shifted.
		if !r.run.mayRemoveFormer(ctx, state.object(), state.claimKey()) {
			change.Remove = slices.DeleteFunc(change.Remove, func(one string) bool { return one == state.Range.ValueString() })
		}
	}
	if !state.Applied.ValueBool() {
		live, err := r.client.TrustedRanges(ctx, plan.spaceID())
		if err != nil {
			return nil, diag.Diagnostics{r.failure("Unable to read the trusted IP range", plan.String(), err)}
		}
		change.Force = stuck(live, r.client.HostTime())
		if len(change.Add) == 0 {
			change.Add = plan.ranges()
		}
	}
	if len(change.Add)+len(change.Remove) == 0 {
		return nil, nil
	}
	return &change, nil
}

// changeDiagnostics words the error of a change that was sent.
func (r *trustedRangeResource) changeDiagnostics(m trustedRangeModel, err error) diag.Diagnostics {
	var (
		present   *heroku.RangesPresentError
		unsettled *heroku.UnverifiedError
	)
	switch {
	case err == nil:
		return nil
	case errors.As(err, &present):
		return diag.Diagnostics{rangePresent(m, present.Ruleset)}
	case errors.As(err, &unsettled):
		return diag.Diagnostics{diag.NewWarningDiagnostic("Changes of somebody else may be lost", fmt.Sprintf(
			"%s: %s.\n\nPlan again, here and wherever else ranges of this space are managed: what is missing is planned anew.", m, unsettled))}
	}
	return diag.Diagnostics{r.failure("Unable to change the trusted IP ranges of the space", m.String(), err)}
}

// spaceGone reports whether the space of the range does not exist any more.
func (r *trustedRangeResource) spaceGone(ctx context.Context, m trustedRangeModel) bool {
	_, err := r.client.Space(ctx, m.spaceID())
	return heroku.IsNotFound(err)
}

// in reports whether the space has the range, in any spelling.
func (m trustedRangeModel) in(ruleset heroku.Ruleset) bool {
	return slices.Contains(allowed(ruleset), m.Range.ValueString())
}

// setCreated fills in what is known after the range was set and before it is in force.
func (m *trustedRangeModel) setCreated(ruleset heroku.Ruleset) {
	m.ID, m.SpaceName = m.plannedID(), plannedName(m.SpaceName, optionalString(ruleset.SpaceName))
	m.Applied = types.BoolValue(false)
	m.resolveTakesOver()
}

func (m *trustedRangeModel) resolveTakesOver() {
	if m.TakesOver.IsUnknown() {
		m.TakesOver = types.BoolNull()
	}
}

// read is the only mapping from the ruleset to the state.
func (m *trustedRangeModel) read(ruleset heroku.Ruleset, now time.Time) {
	m.ID, m.SpaceName, m.Applied = m.plannedID(), optionalString(ruleset.SpaceName), types.BoolValue(!stuck(ruleset, now))
	if m.ClosesSpace.ValueBool() {
		m.ClosesSpace = types.BoolValue(!slices.Contains(allowed(ruleset), keyvalue.Internet))
	}
}

// applyTimeout is how long a change of ranges may take to be in force: Heroku says "a few moments" (Dev Center: Private Spaces).
// Ranges are not set again before that, since somebody else may have changed them just now.
const applyTimeout = 2 * time.Minute

// stuck reports whether Heroku has not applied the ranges within applyTimeout.
func stuck(ruleset heroku.Ruleset, now time.Time) bool {
	since, err := time.Parse(time.RFC3339, ruleset.CreatedAt)
	return !appliedValue(ruleset).ValueBool() && (err != nil || now.Sub(since) > applyTimeout)
}
