// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// The deletion of a space, which Heroku refuses while apps are in it, and for a while after they were destroyed.

const (
	// spaceEmptiesWithin is how long a space may still list apps that are being destroyed.
	spaceEmptiesWithin = 2 * time.Minute
	spaceRetryFirst    = 10 * time.Second
	spaceRetryLast     = 5 * time.Minute
)

// deleteOnceEmpty repeats a refused deletion while Heroku is still removing what was in the space. If apps are still listed after
// spaceEmptiesWithin, it gives up: nobody is destroying them.
func (r *privateSpaceResource) deleteOnceEmpty(ctx context.Context, id heroku.SpaceID, timeout time.Duration) error {
	clock := r.client.Clock()
	started := clock.Now()
	for {
		err := r.client.DeleteSpace(ctx, id)
		if err == nil || !refusedForContents(err) {
			return err
		}
		apps, listErr := r.client.SpaceApps(ctx, id)
		if listErr != nil {
			return err
		}
		waited := clock.Now().Sub(started)
		if waited >= timeout || len(apps) > 0 && waited >= spaceEmptiesWithin {
			return err
		}
		// Each attempt takes three or four requests, so the pauses grow. They add at most a third to the wait.
		if clock.Sleep(ctx, min(max(spaceRetryFirst, waited/3), spaceRetryLast, timeout-waited)) != nil {
			return err
		}
	}
}

// refusedForContents reports whether Heroku may have refused a deletion because the space is not empty: it has no error id for that.
func refusedForContents(err error) bool {
	return heroku.HasStatus(err, http.StatusUnprocessableEntity) || heroku.HasStatus(err, http.StatusConflict)
}

// deletionFailure lists the apps that are still in the space, managed here or not.
func (r *privateSpaceResource) deletionFailure(ctx context.Context, state privateSpaceModel, err error) diag.Diagnostic {
	failure := r.failure("Unable to destroy Private Space", state.String(), err)
	apps, listErr := r.client.SpaceApps(ctx, state.spaceID())
	if listErr != nil || len(apps) == 0 {
		return failure
	}
	return diag.NewErrorDiagnostic(failure.Summary(), failure.Detail()+"\n\nThese apps still live in the space, "+
		"whether they are managed here or not:\n"+
		strings.Join(describeApps(apps), "\n")+"\n\nDestroy each of them first, or bring it under management with an "+
		"import block so that the plan shows its end.")
}

func describeApps(apps []heroku.App) []string {
	lines := make([]string, len(apps))
	for i, app := range apps {
		lines[i] = fmt.Sprintf("- %s (id %s)", app.Name, app.ID)
	}
	return lines
}

// findSpace finds a space by its UUID or its name.
func (c *connection) findSpace(ctx context.Context, reference string) (heroku.Space, diag.Diagnostics) {
	var diags diag.Diagnostics
	if !keyvalue.IsUUID(reference) && keyvalue.ValidateSpaceName(reference) != nil {
		diags.Append(invalidImport(reference, "the UUID or the name of a Private Space", "acme-prod"))
		return heroku.Space{}, diags
	}
	var (
		space heroku.Space
		err   error
	)
	if keyvalue.IsUUID(reference) { // a shared read: many imports take one list request
		space, err = c.client.Space(ctx, heroku.SpaceID(reference))
	} else {
		space, err = c.client.FindSpace(ctx, reference)
	}
	if err != nil {
		diags.Append(c.failure("Unable to find Private Space", fmt.Sprintf("Private Space %q", reference), err))
	}
	return space, diags
}

// outboundOf reads the outbound addresses of a space. It returns nil if there are none yet: Heroku answers during allocation
// and deletion, and for a moment afterwards, with an error (Platform API reference, spaces).
func (c *connection) outboundOf(ctx context.Context, space heroku.Space) (*heroku.NAT, error) {
	if space.State != heroku.SpaceAllocated {
		return nil, nil
	}
	nat, err := c.client.SpaceNAT(ctx, space.ID)
	if heroku.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &nat, nil
}

// spaceOwners records the planned teams of spaces: an app in a space is checked against the team that owns the space when the app
// is applied, not against the team before a transfer in the same run.
type spaceOwners struct {
	mu    sync.Mutex
	teams map[heroku.SpaceID]string
}

func (o *spaceOwners) setTeam(space heroku.SpaceID, team string) {
	if o == nil || team == "" {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.teams == nil {
		o.teams = make(map[heroku.SpaceID]string)
	}
	o.teams[space] = team
}

// team returns the planned team of a space, empty if this run plans none.
func (o *spaceOwners) team(space heroku.SpaceID) string {
	if o == nil {
		return ""
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.teams[space]
}

// What destroying or replacing a space would lose, and what protects it from that.

const spaceType = "kvs_private_space"

// spaceRegionUse is what the region of a space must support.
var spaceRegionUse = regionUse{what: "a Private Space", private: true}

func (m privateSpaceModel) spaceID() heroku.SpaceID { return heroku.SpaceID(m.ID.ValueString()) }

// ready reports whether the space is allocated.
func (m privateSpaceModel) ready() bool { return m.State.ValueString() == heroku.SpaceAllocated }

// String names the space in a diagnostic.
func (m privateSpaceModel) String() string {
	return fmt.Sprintf("Private Space %q (%s)", m.Name.ValueString(), m.ID.ValueString())
}

func (m privateSpaceModel) object() object { return object{spaceType, m.ID.ValueString()} }

func (m privateSpaceModel) stateObject(change objectChange) stateObject {
	return stateObject{
		object: m.object(), name: m.Name.ValueString(), label: m.String(), protected: m.DeletionProtection.ValueBool(), change: change,
	}
}

func (m privateSpaceModel) loss() loss {
	return loss{id: m.ID.ValueString(), label: m.String(), space: true}
}

// generationIn returns the generation in Heroku's answer. An answer without one leaves the generation of m as it is.
func (m privateSpaceModel) generationIn(space heroku.Space) generationName {
	switch {
	case space.Generation != "":
		return newNormalizedString[generationNotation](space.Generation)
	case m.Generation.IsUnknown():
		return generationName{StringValue: types.StringNull()}
	}
	return m.Generation
}

// fixed returns the attributes that Heroku fixes at creation. The generation is among them only if it is in the state.
func (m privateSpaceModel) fixed(plan privateSpaceModel) []fixedChange {
	fixed := []fixedChange{
		{"region", m.Region, plan.Region}, {"cidr", m.CIDR, plan.CIDR}, {"data_cidr", m.DataCIDR, plan.DataCIDR},
		{"shield", m.Shield, plan.Shield},
	}
	if !m.Generation.IsNull() {
		fixed = append(fixed, fixedChange{"generation", m.Generation, plan.Generation})
	}
	return fixed
}

// fixedChanges returns the known changes that need another space.
func (m privateSpaceModel) fixedChanges(plan privateSpaceModel) []fixedChange {
	return knownChanges(m.fixed(plan)...)
}

// planCreate checks a new space. It may be the second half of a replacement, which Terraform does not tell. A null shield is planned
// as false, so that change control knows that this is no Shield Space.
func (r *privateSpaceResource) planCreate(
	ctx context.Context, plan, config privateSpaceModel, settled *tfsdk.Plan,
) diag.Diagnostics {
	name := plan.Name.ValueString()
	replaced, found, diags := r.run.claimName(name, nameClaim{object{resourceType: spaceType}, fmt.Sprintf("a new Private Space %q", name)})
	switch {
	case found && replaced.protected:
		diags.Append(protectedSpace(replaced.label))
	case found:
		former := privateSpaceModel{ID: types.StringValue(replaced.id), Name: plan.Name}
		if diags.Append(r.protected.refuse(former.loss())...); !diags.HasError() {
			diags.Append(r.lossWarning(ctx, former, isReplaced)...)
		}
	}
	diags.Append(r.checkRegion(ctx, config.Region, spaceRegionUse)...)
	if config.Shield.IsNull() {
		diags.Append(settled.SetAttribute(ctx, path.Root("shield"), false)...)
	}
	return diags
}

// planInPlace plans a space that is left as it is or changed in place.
func (r *privateSpaceResource) planInPlace(state, plan privateSpaceModel) diag.Diagnostics {
	var diags diag.Diagnostics
	m := state.stateObject(stays)
	m.name, m.protected = plan.Name.ValueString(), state.mayBeProtected(plan)
	if !plan.Name.Equal(state.Name) {
		_, _, refused := r.run.claimName(m.name, nameClaim{m.object, m.label})
		diags.Append(refused...)
	}
	if m.protected {
		diags.Append(r.protected.protect(m.object, m.label)...)
	}
	diags.Append(r.run.notePlan(m)...)
	return diags
}

// compareLive stops an Update of a space that was renamed or transferred since the plan was made.
func (r *privateSpaceResource) compareLive(ctx context.Context, state, plan privateSpaceModel) diag.Diagnostics {
	space, err := r.client.Space(ctx, state.spaceID())
	outdated := state.outdated(plan, space)
	if err == nil && outdated.HasError() { // a shared read may be older than the change: read again
		space, err = r.client.FindSpace(ctx, string(space.ID))
		outdated = state.outdated(plan, space)
	}
	if err != nil {
		return diag.Diagnostics{r.failure("Unable to change Private Space", state.String(), err)}
	}
	return outdated
}

func (m privateSpaceModel) outdated(plan privateSpaceModel, space heroku.Space) diag.Diagnostics {
	now := m
	now.read(space, nil)
	return refuseOutdated(m.String(), liveValue{"name", m.Name, plan.Name, now.Name}, liveValue{"team", m.Team, plan.Team, now.Team})
}

// planDestroy plans the destruction of a space. change says whether another one replaces it.
func (r *privateSpaceResource) planDestroy(
	ctx context.Context, state privateSpaceModel, protected bool, change objectChange,
) diag.Diagnostics {
	diags := r.run.notePlan(state.stateObject(change))
	if protected {
		diags.Append(protectedSpace(state.String()))
		return diags
	}
	diags.Append(r.protected.refuseDestroyOf(state.object(), state.String())...)
	diags.Append(r.protected.refuse(state.loss())...)
	if !diags.HasError() {
		diags.Append(r.lossWarning(ctx, state, change)...)
	}
	return diags
}

func protectedSpace(label string) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(path.Root("deletion_protection"), "Private Space is protected from deletion",
		label+" is the network of everything in it, and gives up its outbound addresses for good when it is destroyed or replaced.\n\n"+
			"To destroy it on purpose, first apply deletion_protection = false, then destroy. "+
			"If it is to be replaced because it is tainted, run `terraform untaint` on its address instead: the space itself is intact. "+
			"If only its address has changed, write a moved block:\n\n"+movedBlock(spaceType)+"\n\n"+
			"If another space is to have its name, rename this one in an apply of its own first. "+
			"To stop managing it without destroying it, use a removed block with destroy = false.")
}

// mayBeProtected reports whether a space is protected, is planned to be, or may be by a value that is unknown.
func (m privateSpaceModel) mayBeProtected(plan privateSpaceModel) bool {
	return m.DeletionProtection.ValueBool() || plan.DeletionProtection.IsUnknown() || plan.DeletionProtection.ValueBool()
}

// refuseReplacement refuses changes that would replace a space which may be protected.
func (m privateSpaceModel) refuseReplacement(plan privateSpaceModel, changes []fixedChange) diag.Diagnostics {
	var diags diag.Diagnostics
	if !m.mayBeProtected(plan) {
		return diags
	}
	for _, c := range changes {
		diags.AddAttributeError(path.Root(c.attribute), "This change would replace a protected Private Space", fmt.Sprintf(
			"%s has %s = %s, and Heroku fixes it when a space is created. Changing it to %s would destroy the space "+
				"and create another one. "+
				"Nothing has been changed.\n\n"+
				"Set it back to %s, or leave it out. To move, create a second kvs_private_space beside this one, and "+
				"destroy this one last.",
			m, c.attribute, c.from, c.to, c.from))
	}
	return diags
}

// refuseUnknown refuses an unknown value that may need another space in place of a protected one: Terraform would destroy the apps in
// the space before it finds out.
func (m privateSpaceModel) refuseUnknown(plan privateSpaceModel) diag.Diagnostics {
	var diags diag.Diagnostics
	if !m.DeletionProtection.ValueBool() && !plan.DeletionProtection.ValueBool() { // an unknown deletion_protection is no change
		return diags
	}
	for _, fixed := range m.fixed(plan) {
		if fixed.to.IsUnknown() {
			diags.AddAttributeError(path.Root(fixed.attribute), "This change may replace a protected Private Space", fmt.Sprintf(
				"%s has %s = %s, and the configured value is known only after apply. If it turned out to be another "+
					"one, the space would have to be replaced. "+
					"Nothing has been changed.\n\n"+
					"Give %[2]s as a value that is known when the plan is made, or leave it out, which keeps what the space has. "+
					"If it is unknown because a module depends_on something that changes, let only those resources "+
					"depend on it that have to. "+
					"Without protection (deletion_protection = false, applied first), an unknown value is planned as unchanged.",
				m, fixed.attribute, fixed.from))
		}
	}
	return diags
}

// lossWarning warns of what is lost with the space.
func (r *privateSpaceResource) lossWarning(ctx context.Context, state privateSpaceModel, change objectChange) diag.Diagnostics {
	lost := []string{
		"its outbound addresses, which others may have in their firewalls",
		"its trusted IP ranges and the permissions of its members", "its log drain",
	}
	if r.client != nil && r.run.mayReadMore() {
		if _, err := r.client.Space(ctx, state.spaceID()); heroku.IsNotFound(err) {
			return nil // Read has warned that the space is gone
		}
		if apps, err := r.client.SpaceApps(ctx, state.spaceID()); err == nil && len(apps) > 0 {
			lost = append(lost, "the apps in it, with their config vars and stores. They have to be destroyed first, "+
				"and one that is not managed here keeps the space:\n    "+strings.Join(describeApps(apps), "\n    "))
		}
	}
	successor := ""
	if change == isReplaced {
		successor = "\n\nThe space that replaces it begins empty, and admits web traffic from the whole internet " +
			"until its trusted IP ranges are set."
	}
	return diag.Diagnostics{diag.NewWarningDiagnostic("The space is destroyed with all that it has",
		fmt.Sprintf("%s cannot be brought back. With it go:\n\n%s%s", state, bullets(lost), successor))}
}

// changeWarnings warns of what a change in place means.
func (m privateSpaceModel) changeWarnings(plan, config privateSpaceModel) diag.Diagnostics {
	var diags diag.Diagnostics
	if !plan.Team.Equal(m.Team) && !plan.Team.IsUnknown() {
		diags.AddAttributeWarning(path.Root("team"), "The space changes its owner", fmt.Sprintf(
			"%s goes from the team %s to the team %s, with every app in it, whether it is managed here or not. Its id, its stores, its "+
				"addresses and its trusted ranges stay.",
			m, m.Team.ValueString(), plan.Team.ValueString()))
	}
	if m.DeletionProtection.ValueBool() && !plan.DeletionProtection.IsUnknown() && !plan.DeletionProtection.ValueBool() {
		diags.AddAttributeWarning(path.Root("deletion_protection"), "The space is no longer protected", fmt.Sprintf(
			"After this apply, %s can be destroyed or replaced by a plan.", m))
	}
	if !m.LogDrainURLVersion.IsNull() && config.LogDrainURLVersion.IsNull() {
		diags.AddAttributeWarning(path.Root("log_drain_url_wo"), "The log drain of the space stays", fmt.Sprintf(
			"%s has a log drain, and the configuration names none any more. Heroku cannot remove the drain of a space: it stays, and the "+
				"logs go on flowing there. "+
				"To end that, set log_drain_url_wo to another URL and change log_drain_url_wo_version, or stop "+
				"receiving at the old one.", m))
	}
	return diags
}

// isGone is the warning of a refresh that finds the space destroyed.
func (m privateSpaceModel) isGone() diag.Diagnostic {
	return diag.NewWarningDiagnostic("The space is gone from Heroku", fmt.Sprintf(
		"%s was destroyed outside of Terraform, with its outbound addresses and its trusted IP ranges. "+
			"As long as it is in the configuration, the next apply makes a new, empty space under this name.", m))
}

// creationFailure words a failed creation. If the name belongs to a space that this token can see, it shows how to import that.
func (r *privateSpaceResource) creationFailure(ctx context.Context, name string, err error) diag.Diagnostic {
	failure := r.failure("Unable to create Private Space", fmt.Sprintf("Private Space %q", name), err)
	if !heroku.HasID(err, "invalid_params") {
		return failure
	}
	taken, findErr := r.client.FindSpace(ctx, name)
	if findErr != nil {
		return failure
	}
	r.run.noteRefused(object{spaceType, string(taken.ID)})
	return diag.NewAttributeErrorDiagnostic(path.Root("name"), "A space with this name exists already", fmt.Sprintf(
		"%s\n\nThe name belongs to a space of the team %s: choose another name, or manage the existing space by importing it:\n\n%s\n\n"+
			"If it is a space of this configuration whose address has changed, write a moved block instead:\n\n%s",
		failure.Detail(), taken.Team, importBlock(spaceType, string(taken.ID)), movedBlock(spaceType)))
}

// refuseRangesOf refuses trusted IP ranges for a space of a generation that has none (Heroku CLI, spaces).
func refuseRangesOf(space heroku.Space, at path.Path) diag.Diagnostics {
	if space.Generation != keyvalue.Fir {
		return nil
	}
	return diag.Diagnostics{diag.NewAttributeErrorDiagnostic(at, "The trusted IP ranges of the space cannot be set", fmt.Sprintf(
		"Private Space %q (%s) is of the generation %s, whose spaces admit web traffic from the whole internet: Heroku has trusted IP "+
			"ranges for spaces of the generation %s only. Leave them out, and let the apps judge who may use them.",
		space.Name, space.ID, space.Generation, keyvalue.Cedar))}
}
