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

// One range of a space beside the others: whose it is, what a plan makes of them together, and how it is read.

const (
	rangeType  = "kvs_trusted_ip_range"
	rangeAlone = "kvs_trusted_ip_range by its range alone" // of whatever space
)

// expiry is a time: "2026-12-18T00:00:00Z" and "2026-12-18T01:00:00+01:00" are the same one.
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

// plannedID is the id as far as it is known.
func (m trustedRangeModel) plannedID() types.String {
	if !known(m.SpaceID) || !known(m.Range) {
		return types.StringUnknown()
	}
	return types.StringValue(m.SpaceID.ValueString() + ":" + m.Range.ValueString())
}

func (m trustedRangeModel) object() object { return object{rangeType, m.plannedID().ValueString()} }

// thing is what a space has one of.
func (m trustedRangeModel) thing() string { return "trusted IP range " + m.plannedID().ValueString() }

// fateOf says whether the plan keeps the range of the state, or gives it up for another one.
func (m trustedRangeModel) fateOf(state trustedRangeModel) fate {
	if known(m.plannedID()) && m.object() != state.object() {
		return isDestroyed
	}
	return stays
}

// note says that an instance has the range in the state.
func (r *trustedRangeResource) note(m trustedRangeModel) {
	r.run.note(m.object())
	r.run.note(object{rangeAlone, m.Range.ValueString()})
}

// onlyOwner refuses a second instance for the range, one for all ranges of the space, and one for 0.0.0.0/0 beside one that
// removes it.
func (r *trustedRangeResource) onlyOwner(state, plan trustedRangeModel, replaced string) (diags diag.Diagnostics) {
	if !known(plan.SpaceID) {
		return nil
	}
	space := plan.SpaceID.ValueString()
	text := fmt.Sprintf("a %s for %s", rangeType, cmp.Or(plan.Range.ValueString(), "a range that is known only after apply"))
	whole := trustedRangesModel{SpaceID: plan.SpaceID}
	if other, conflict := r.run.claim(whole.thing(), claim{owner: rangeType, text: text}); conflict {
		diags.Append(bothKinds(space, text, wholeSet+other.text))
	}
	if !known(plan.Range) {
		return diags
	}
	mine := claim{id: state.ID.ValueString(), owner: rangeType, text: text, single: true, replaces: replaced}
	if _, conflict := r.run.claim(plan.thing(), mine); conflict {
		diags.AddAttributeError(path.Root("range"), "Two resources own one trusted IP range", fmt.Sprintf(
			"%s: two %s of this configuration have it, so that the destroy of one of them would shut out those whom the other one admits. "+
				"Keep one of them. If both have it in the state, let go of one without removing the range: "+
				"removed { from = %[2]s.other, lifecycle { destroy = false } }.", plan, rangeType))
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

// bothKinds is for a space of which one resource has all ranges and another one a single range.
func bothKinds(space, one, other string) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(path.Root("space_id"), "The ranges of a space are managed together and one by one", fmt.Sprintf(
		"Space %s: this configuration has %s, and %s. A kvs_trusted_ip_ranges replaces the whole set, so that it would remove the "+
			"single range at every apply. Keep one of the two kinds. To go over to the other one, let go of the first without changing "+
			"anything (removed { from = ..., lifecycle { destroy = false } }), and import what is there.", space, one, other))
}

// planArrival decides whether a range that the space has already may be taken over: only from another instance of this plan. That
// cannot be said to Create, which sees only what is planned while the plan is applied: therefore takes_over is planned
// unknown, and otherwise null, and Terraform itself refuses to apply a null that has become true.
func (r *trustedRangeResource) planArrival(ctx context.Context, plan *trustedRangeModel, replaced string, applies bool) diag.Diagnostics {
	plan.TakesOver = types.BoolNull()
	if r.client == nil {
		return nil
	}
	if !known(plan.plannedID()) {
		if replaced != "" || known(plan.Range) && r.run.comesToKnow(ctx, object{rangeAlone, plan.Range.ValueString()}, planningTime) {
			plan.TakesOver = types.BoolUnknown()
		}
		return nil
	}
	live, err := r.client.SharedTrustedRanges(ctx, plan.spaceID())
	if err != nil || !plan.in(live) {
		return nil
	}
	switch {
	case applies:
		plan.TakesOver = types.BoolValue(true)
		if r.run.knows(plan.object()) {
			return nil
		}
		const summary = "The trusted IP range is taken over as it is"
		return diag.Diagnostics{diag.NewAttributeWarningDiagnostic(path.Root("takes_over"), summary, fmt.Sprintf(
			"%s is there, because the plan has found it in another instance. "+
				"If Terraform says that the final plan is inconsistent, the plan has not: somebody has added the range since then. "+
				"Nothing has been changed in that case; plan again, and the plan says how to import it.", plan))}
	case r.run.comesToKnow(ctx, plan.object(), knowWithin):
		plan.TakesOver = types.BoolUnknown()
		return nil
	}
	return diag.Diagnostics{rangePresent(*plan, live)}
}

// mayTakeOver reports whether the plan has found the range in another instance. What is unknown by now was found in this run:
// see planArrival.
func (m trustedRangeModel) mayTakeOver() bool {
	return m.TakesOver.ValueBool() || m.TakesOver.IsUnknown()
}

// rangePresent is for a range that somebody else has set.
func rangePresent(m trustedRangeModel, live heroku.Ruleset) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(path.Root("range"), "The trusted IP range exists already", fmt.Sprintf(
		"%s is there, and this configuration has not set it: the ranges of the space were set last by %s. "+
			"If another configuration manages it, leave it there: a destroy here would shut out those whom it admits. "+
			"If only its address has changed, say so with a moved block. "+
			"Otherwise import it, and it stays as it is:\n\n%s", m, setBy(live), importBlock(rangeType, m.plannedID().ValueString())))
}

// rangeEdit is what an instance plans for the ranges of a space.
type rangeEdit struct{ add, remove []string }

// editOf is what a plan sends, as far as that is known. state is empty for a creation.
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

// editRanges adds what an instance plans for a space to what others do, and returns what is there then.
func (r *run) editRanges(space string, live []string, mine rangeEdit) (after []string) {
	if r == nil {
		return mine.of(live)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rangeEdits[space] = append(r.rangeEdits[space], mine)
	all := rangeEdit{}
	for _, one := range r.rangeEdits[space] {
		all.add, all.remove = append(all.add, one.add...), append(all.remove, one.remove...)
	}
	return all.of(live)
}

// of are the ranges after an edit. What is both added and removed is added.
func (e rangeEdit) of(live []string) []string {
	after := slices.Concat(beyond(live, e.remove), e.add)
	slices.Sort(after)
	return slices.Compact(after)
}

// first reports whether something has not been said yet in this run.
func (r *run) first(said string) bool {
	if r == nil {
		return true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	before := r.said[said]
	r.said[said] = true
	return !before
}

// announce says what an edit makes of the ranges of the space, with those of other instances: whoever is planned last sees all.
func (r *trustedRangeResource) announce(ctx context.Context, m trustedRangeModel, edit rangeEdit) diag.Diagnostics {
	space := m.SpaceID.ValueString()
	if r.client == nil || !known(m.SpaceID) || len(edit.add)+len(edit.remove) == 0 || r.run.goes(object{spaceType, space}) {
		return nil
	}
	label, shield, diags := r.spaceOfRanges(ctx, m.spaceID(), path.Root("range"))
	live, err := r.client.SharedTrustedRanges(ctx, m.spaceID())
	if err != nil || diags.HasError() {
		return diags
	}
	before := allowed(live)
	after := r.run.editRanges(space, before, edit)
	gone := slices.DeleteFunc(slices.Clone(before), func(one string) bool { return !slices.Contains(edit.remove, one) })
	diags.Append(announceLoss(label, gone, after)...)
	if len(edit.add) == 0 {
		return diags
	}
	beside := after
	if slices.Contains(after, keyvalue.Internet) && !slices.Contains(edit.add, keyvalue.Internet) {
		beside = beyond(after, []string{keyvalue.Internet})
		if r.run.first("open " + space) {
			diags.AddAttributeWarning(path.Root("closes_space"), "The trusted IP range restricts nothing", fmt.Sprintf(
				"%s has %s, as every new space does, so that it admits the whole internet whatever other ranges it has. It stays so until one "+
					"%s of it has closes_space = true, which removes that range.", label, keyvalue.Internet, rangeType))
		}
	}
	var hints []string
	for _, hint := range keyvalue.ReviewTrustedRanges(beside, shield) {
		if r.run.first(space + hint) {
			hints = append(hints, hint)
		}
	}
	if len(hints) > 0 {
		diags.AddAttributeWarning(path.Root("range"), "Trusted IP ranges may not mean what was intended", label+":\n\n"+bullets(hints))
	}
	return diags
}

// announceLoss says whom a change shuts out: those in ranges that go and are not admitted by those that stay.
func announceLoss(label string, gone, after []string) diag.Diagnostics {
	out := keyvalue.ShutOut(gone, after)
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

// spaceOfRanges names a space for people, tells whether it is a Shield Space, and refuses ranges of one that has none.
func (c *connection) spaceOfRanges(
	ctx context.Context, id heroku.SpaceID, at path.Path,
) (label string, shield bool, diags diag.Diagnostics) {
	space, err := c.client.Space(ctx, id)
	if err != nil {
		return "Space " + string(id), false, nil
	}
	return fmt.Sprintf("Space %q (%s)", space.Name, space.ID), space.Shield, refuseRangesOf(space, at)
}

// announceExpiry warns of a range that is no longer needed, by the clock of Heroku.
func (r *trustedRangeResource) announceExpiry(m trustedRangeModel) diag.Diagnostics {
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

// announceOpening warns of a space that was closed and is open.
func (r *trustedRangeResource) announceOpening(m trustedRangeModel, now heroku.Ruleset) diag.Diagnostics {
	if !m.ClosesSpace.ValueBool() || !slices.Contains(allowed(now), keyvalue.Internet) || !r.run.first("opened "+m.SpaceID.ValueString()) {
		return nil
	}
	return diag.Diagnostics{diag.NewWarningDiagnostic("The space is open to the whole internet", fmt.Sprintf(
		"Space %s was closed by closes_space of the range %s, and %s has added %s since: everybody can reach the web processes in the space. "+
			"It stays so until an apply closes it again: plan again soon, and find out why it was opened.",
		m.SpaceID.ValueString(), m.Range.ValueString(), setBy(now), keyvalue.Internet))}
}

func setBy(ruleset heroku.Ruleset) string { return cmp.Or(ruleset.CreatedBy, "somebody") }

// changeOf is what an update sends; nil for nothing.
func (r *trustedRangeResource) changeOf(
	ctx context.Context, state, plan trustedRangeModel,
) (*heroku.TrustedRangesChange, diag.Diagnostics) {
	edit := plan.editOf(state)
	change := heroku.TrustedRangesChange{Add: edit.add, Remove: edit.remove}
	if len(edit.add) > 0 {
		r.run.takeOver(ctx, plan.object())
		change.New = !plan.mayTakeOver()
		if r.run.yield(state.object()) || r.run.claimed(ctx, state.thing(), planningTime) { // another instance may have it now: count has shifted
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

// changed says what became of a change that was sent.
func (r *trustedRangeResource) changed(m trustedRangeModel, err error) diag.Diagnostics {
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

// spaceGone reports whether the range has gone with its space.
func (r *trustedRangeResource) spaceGone(ctx context.Context, m trustedRangeModel) bool {
	_, err := r.client.Space(ctx, m.spaceID())
	return heroku.IsNotFound(err)
}

// in reports whether the space has the range, in whatever spelling.
func (m trustedRangeModel) in(ruleset heroku.Ruleset) bool {
	return slices.Contains(allowed(ruleset), m.Range.ValueString())
}

// made fills in what is known once a range has been set.
func (m *trustedRangeModel) made(ruleset heroku.Ruleset) {
	m.ID, m.SpaceName = m.plannedID(), plannedName(m.SpaceName, optionalString(ruleset.SpaceName))
	m.Applied = types.BoolValue(false)
	m.knowTakeover()
}

func (m *trustedRangeModel) knowTakeover() {
	if m.TakesOver.IsUnknown() {
		m.TakesOver = types.BoolNull()
	}
}

// read is the one mapping from the ruleset to the state.
func (m *trustedRangeModel) read(ruleset heroku.Ruleset, now time.Time) {
	m.ID, m.SpaceName, m.Applied = m.plannedID(), optionalString(ruleset.SpaceName), types.BoolValue(!stuck(ruleset, now))
	if m.ClosesSpace.ValueBool() {
		m.ClosesSpace = types.BoolValue(!slices.Contains(allowed(ruleset), keyvalue.Internet))
	}
}

// appliesWithin is how long a change of ranges may take: Heroku says "a few moments" (Dev Center: Private Spaces). Others may
// have changed them just now, which is no reason to set them again.
const appliesWithin = 2 * time.Minute

// stuck says that Heroku has not applied the ranges, and will not.
func stuck(ruleset heroku.Ruleset, now time.Time) bool {
	since, err := time.Parse(time.RFC3339, ruleset.CreatedAt)
	return !appliedValue(ruleset).ValueBool() && (err != nil || now.Sub(since) > appliesWithin)
}
