// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// The ranges of a space at Heroku: who owns them, what they were when the plan was made, and how they are read.

func (m trustedRangesModel) object() object {
	return object{"kvs_trusted_ip_ranges", m.SpaceID.ValueString()}
}

// claimKey identifies the ranges of the space, which one instance may own.
func (m trustedRangesModel) claimKey() string {
	return "trusted IP ranges of " + m.SpaceID.ValueString()
}

// onlyOwner refuses a second resource for the ranges of the space.
func (r *trustedRangesResource) onlyOwner(state, plan trustedRangesModel, replaced string) diag.Diagnostics {
	ranges := plan
	if plan.Ranges.IsUnknown() {
		ranges = state
	}
	if !known(plan.SpaceID) || ranges.Ranges.IsNull() {
		return nil
	}
	mine := claim{id: state.ID.ValueString(), owner: "kvs_trusted_ip_ranges", value: strings.Join(ranges.sources(), " "),
		text: listed(ranges.sources()), single: true, replaces: replaced}
	other, conflict := r.run.claim(plan.claimKey(), mine)
	if !conflict {
		return nil
	}
	if other.owner != mine.owner {
		return diag.Diagnostics{bothKinds(plan.SpaceID.ValueString(), wholeSet+mine.text, other.text)}
	}
	return diag.Diagnostics{diag.NewAttributeErrorDiagnostic(path.Root("space_id"),
		"Two resources own the trusted IP ranges of one space", fmt.Sprintf(
			"Space %s: this kvs_trusted_ip_ranges lists %s; another one in this configuration lists %s. Each replaces the "+
				"whole set, so they would undo each other at every apply. Put all ranges into one of them.",
			plan.SpaceID.ValueString(), mine.text, other.text))}
}

func listed(ranges []string) string { return cmp.Or(strings.Join(ranges, ", "), "no range") }

// planPrevious plans previous_ranges with the ranges that the space has now, and warns that they will be replaced. Terraform then
// refuses to apply the plan if they have changed. It plans nothing if another instance of this plan may change the ranges first.
func (r *trustedRangesResource) planPrevious(ctx context.Context, plan *trustedRangesModel,
	resp *resource.ModifyPlanResponse) diag.Diagnostics {
	if r.client == nil || !known(plan.SpaceID) || plan.Ranges.IsUnknown() {
		return nil
	}
	if r.run.awaitInState(ctx, plan.object(), planningTime) {
		return nil
	}
	current, err := r.client.TrustedRanges(ctx, plan.spaceID())
	if err != nil {
		return nil
	}
	diags := plan.warnOfTakeover(current)
	diags.Append(resp.Plan.SetAttribute(ctx, path.Root("previous_ranges"), plan.previousOf(current))...)
	return diags
}

// previousOf returns the ranges for restore_previous. It is null if they equal the configured ones, which an earlier instance may
// have set.
func (m trustedRangesModel) previousOf(current heroku.Ruleset) types.Set {
	if slices.Equal(allowed(current), m.sources()) {
		return types.SetNull(types.StringType)
	}
	return stringSet(allowed(current))
}

// warnOfTakeover warns of ranges that this resource replaces.
func (m trustedRangesModel) warnOfTakeover(current heroku.Ruleset) diag.Diagnostics {
	present := allowed(current)
	if slices.Equal(present, []string{keyvalue.Internet}) || slices.Equal(present, m.sources()) {
		return nil
	}
	return diag.Diagnostics{diag.NewAttributeWarningDiagnostic(path.Root("ranges"), "The space has trusted IP ranges already", fmt.Sprintf(
		"They are replaced, all of them: %s. They were set by %s. Add the ranges that are to stay, or import the set instead with the "+
			"space's id. If an apply of this plan says that the final plan is inconsistent, they have changed since it was made: nothing has "+
			"been changed then, so plan again.",
		cmp.Or(strings.Join(present, ", "), "none, so that everybody is blocked"), setBy(current)))}
}

// warnOfOpening warns of a space that somebody has opened since the state was written.
func (m trustedRangesModel) warnOfOpening(now heroku.Ruleset) diag.Diagnostics {
	if m.Ranges.IsNull() {
		return nil
	}
	const next = "It stays so until an apply sets other ranges: plan again soon, and find out why they were changed."
	event := fmt.Sprintf("%s were %s, and %s has set them to %s since", m, listed(m.sources()),
		setBy(now), listed(allowed(now)))
	switch {
	case keyvalue.AdmitsInternet(allowed(now)) && !keyvalue.AdmitsInternet(m.sources()):
		return diag.Diagnostics{diag.NewWarningDiagnostic("The space is open to the whole internet",
			event+": everybody can reach the web processes in the space. "+next)}
	case keyvalue.AdmitsMost(allowed(now)) && !keyvalue.AdmitsMost(m.sources()):
		return diag.Diagnostics{diag.NewWarningDiagnostic("The space is open to much of the internet",
			event+": half of all IPv4 addresses or more can reach the web processes in the space. "+next)}
	}
	return nil
}

// refuseChangedRanges refuses to replace ranges that have changed since the plan was made.
func (r *trustedRangesResource) refuseChangedRanges(ctx context.Context, state, plan trustedRangesModel) diag.Diagnostics {
	live, err := r.client.TrustedRanges(ctx, plan.spaceID())
	if err != nil {
		return diag.Diagnostics{r.failure("Unable to read the trusted IP ranges", plan.String(), err)}
	}
	now := allowed(live)
	if slices.Equal(now, state.sources()) || slices.Equal(now, plan.sources()) {
		return nil
	}
	return diag.Diagnostics{plan.changedSincePlan(state.sources(), now)}
}

// refuseOtherThanPlanned is refuseChangedRanges for a creation. Terraform has compared the planned value already, earlier in the
// apply.
func (m trustedRangesModel) refuseOtherThanPlanned(now heroku.Ruleset) diag.Diagnostic {
	if m.PreviousRanges.IsUnknown() || m.PreviousRanges.Equal(m.previousOf(now)) {
		return nil
	}
	var planned []string
	for _, element := range m.PreviousRanges.Elements() {
		if source, ok := element.(types.String); ok {
			planned = append(planned, source.ValueString())
		}
	}
	if m.PreviousRanges.IsNull() {
		planned = m.sources()
	}
	return m.changedSincePlan(planned, allowed(now))
}

func (m trustedRangesModel) changedSincePlan(before, now []string) diag.Diagnostic {
	without := func(all, some []string) []string {
		return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return slices.Contains(some, s) })
	}
	return diag.NewAttributeErrorDiagnostic(path.Root("ranges"), "The trusted IP ranges have changed since the plan was made", fmt.Sprintf(
		"%s: added since then: %s; removed since then: %s. Nothing has been changed, because the plan does not show that. Plan again: the "+
			"next plan shows all of it.",
		m, listed(without(now, before)), listed(without(before, now))))
}

// read is the only mapping from the ruleset to the state. Descriptions stay with their ranges.
func (m *trustedRangesModel) read(ctx context.Context, ruleset heroku.Ruleset) diag.Diagnostics {
	described := map[string]*trustedRange{} // nil for a null element, which means the same as {}
	var diags diag.Diagnostics
	if !m.Ranges.IsNull() {
		diags.Append(m.Ranges.ElementsAs(ctx, &described, false)...)
	}
	ranges := map[string]*trustedRange{}
	for _, source := range allowed(ruleset) {
		was, listed := described[source]
		if !listed {
			was = &trustedRange{}
		}
		ranges[source] = was
	}
	value, more := types.MapValueFrom(ctx, trustedRangeType, ranges)
	diags.Append(more...)
	m.ID, m.SpaceName, m.Ranges, m.Applied = m.SpaceID, optionalString(ruleset.SpaceName), value, appliedValue(ruleset)
	return diags
}

// appliedValue is true if the answer has no field `applied`, as that of an older server.
func appliedValue(ruleset heroku.Ruleset) types.Bool {
	return types.BoolValue(ruleset.Applied == nil || *ruleset.Applied)
}

// allowed returns the ranges that a ruleset admits, in canonical spelling and sorted.
func allowed(ruleset heroku.Ruleset) []string { return sourcesOf(ruleset, true) }

func deniedBy(ruleset heroku.Ruleset) []string { return sourcesOf(ruleset, false) }

func sourcesOf(ruleset heroku.Ruleset, allow bool) []string {
	sources := []string{}
	for _, rule := range ruleset.Rules {
		if (rule.Action == "allow") != allow {
			continue
		}
		source := rule.Source
		if prefix, err := netip.ParsePrefix(source); err == nil {
			source = prefix.Masked().String()
		}
		sources = append(sources, source)
	}
	slices.Sort(sources)
	return slices.Compact(sources)
}

// stillApplying reports whether a ruleset was read, but was not in force when the wait ended.
func stillApplying(err error) bool {
	var wait *heroku.WaitError
	return errors.As(err, &wait) && wait.Outcome == heroku.TimedOut
}
