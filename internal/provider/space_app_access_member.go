// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
)

// Members of a space: who owns a member's permissions, taking permissions over, and people who are no members, or admins.

func (r *spaceAppAccessResource) onlyOwner(state, plan spaceAppAccessModel, replaced string) diag.Diagnostics {
	if !plan.known() {
		return nil
	}
	mine := claim{id: state.ID.ValueString(), text: plan.String(), single: true, replaces: replaced}
	if _, conflict := r.run.claim(plan.claimKey(), mine); !conflict {
		return nil
	}
	const summary = "Two resources own the permissions of one member"
	return diag.Diagnostics{diag.NewAttributeErrorDiagnostic(path.Root("email"), summary, fmt.Sprintf(
		"%s: this configuration has two kvs_space_app_access for the same member of the same space. They would undo each other at every "+
			"apply. Keep one of them.", plan))}
}

// planTakeOver decides whether an instance may take over an existing permission: only if another instance of this plan has it. The
// apply cannot see that, since it knows only the instances that it has planned itself. So the plan records it: taken_over is unknown
// if a permission may be taken over, and null otherwise, and Terraform refuses to apply a null that has become true.
func (r *spaceAppAccessResource) planTakeOver(
	ctx context.Context, plan *spaceAppAccessModel, replaced string, applying bool,
) diag.Diagnostics {
	plan.TakenOver = types.BoolNull()
	if !plan.known() {
		if replaced != "" {
			plan.TakenOver = types.BoolUnknown()
		}
		return nil
	}
	if r.client == nil {
		return nil
	}
	member, err := r.member(ctx, *plan)
	switch {
	case heroku.IsNotFound(err) && !applying:
		return r.warnOfNonMember(ctx, *plan)
	case err != nil || len(member.Permissions) == 0:
		if replaced != "" || !applying && r.run.isInState(plan.object()) {
			plan.TakenOver = types.BoolUnknown() // it may be given again before the creation
		}
		return nil
	case applying:
		plan.TakenOver = types.BoolValue(true)
		return diag.Diagnostics{diag.NewAttributeWarningDiagnostic(path.Root("permissions"), "The permission is taken over as it is",
			fmt.Sprintf("%s already has the permission, and the plan has found it in another instance. If Terraform reports an "+
				"inconsistent final plan, the plan did not find it there: somebody has granted the permission since then. Nothing has "+
				"been changed in that case; plan again, and the plan says how to import it.", plan))}
	case replaced == plan.key() || r.run.awaitInState(ctx, plan.object(), knowWithin):
		plan.TakenOver = types.BoolUnknown()
		return nil
	}
	return diag.Diagnostics{r.permissionExists(ctx, *plan, member)}
}

// warnOfNonMember warns that the apply will be refused, unless something before it adds the member to the team.
func (r *spaceAppAccessResource) warnOfNonMember(ctx context.Context, plan spaceAppAccessModel) diag.Diagnostics {
	space, err := r.client.Space(ctx, plan.spaceID())
	if err != nil {
		return nil
	}
	return diag.Diagnostics{diag.NewAttributeWarningDiagnostic(path.Root("email"), "The member is not in the team yet", fmt.Sprintf(
		"%s: the team %s, which owns the space %s, has no member with this address. If this configuration "+
			"adds the member to the team, add the resource that does so to depends_on of this resource. "+
			"Otherwise the apply is refused until somebody has added the member: %s", plan, space.Team, space.Name,
		addMemberCommand(space, plan.Email.ValueString())))}
}

// addMemberCommand says how to make somebody a member of the team that owns a space.
func addMemberCommand(space heroku.Space, email string) string {
	return fmt.Sprintf("`heroku members:add %s --role member --team %s`, or the team's page in the Dashboard.", email, space.Team)
}

// permissionExists refuses to manage a permission that this resource has not given.
func (r *spaceAppAccessResource) permissionExists(
	ctx context.Context, plan spaceAppAccessModel, member heroku.SpaceMember,
) diag.Diagnostic {
	if r.isAdmin(ctx, member) {
		return diag.NewAttributeErrorDiagnostic(path.Root("email"), "An admin of the team may always create apps", fmt.Sprintf(
			"%s is an admin of the team. Heroku lets all admins create apps in every space of the team, so there is nothing to give "+
				"here. Leave the resource out, or give the person the role member first.", plan))
	}
	return diag.NewAttributeErrorDiagnostic(path.Root("email"), "The member has the permission already", fmt.Sprintf(
		"%s has %s in the space %s, and not by this resource: another configuration may manage it, and would lose it when this one is "+
			"destroyed. To manage it here, import it:\n\n%s\n\nIf this configuration has it already under another address, key or number, "+
			"say so with a moved block instead.", plan, strings.Join(member.Permissions, ", "), member.SpaceName,
		importBlock(spaceAppAccessType, plan.SpaceID.ValueString()+":"+plan.Email.ValueString())))
}

// isAdmin reports whether a member is known to be an admin of the team. The permissions alone do not show that.
func (r *spaceAppAccessResource) isAdmin(ctx context.Context, member heroku.SpaceMember) bool {
	space, err := r.client.Space(ctx, member.SpaceID)
	if err != nil {
		return false
	}
	roles, err := r.client.TeamRoles(ctx, space.Team)
	return err == nil && roles[member.Email.Folded()] == heroku.RoleAdmin
}

// refuseForAdmin refuses to take permissions from an admin, which no apply can do.
func (r *spaceAppAccessResource) refuseForAdmin(ctx context.Context, state spaceAppAccessModel) diag.Diagnostics {
	if r.client == nil {
		return nil
	}
	if member, err := r.member(ctx, state); err != nil || !r.isAdmin(ctx, member) {
		return nil
	}
	return diag.Diagnostics{adminKeepsPermission(state.String())}
}

func adminKeepsPermission(label string) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(path.Root("permissions"), "An admin of the team may always create apps", fmt.Sprintf(
		"%s is an admin of the team by now. Heroku cannot revoke the permission of an admin, so no apply can reach the configured "+
			"state. Remove the resource, or give the person the role member first.", label))
}

// memberFailure words an error. A 404 means that the person is no member if the space exists.
func (r *spaceAppAccessResource) memberFailure(ctx context.Context, summary string, plan spaceAppAccessModel, err error) diag.Diagnostic {
	failure := r.failure(summary, plan.String(), err)
	if !heroku.IsNotFound(err) {
		return failure
	}
	space, e := r.client.Space(ctx, plan.spaceID())
	if e != nil {
		return failure
	}
	return diag.NewAttributeErrorDiagnostic(path.Root("email"), "The member is not in the team", fmt.Sprintf(
		"%s: %s\n\nOnly members of the team %s, which the space %s belongs to, can be given permissions in it. Add the person to the team "+
			"first, and apply again then: %s", plan, whatHappened(err), space.Team, space.Name, addMemberCommand(space, plan.Email.ValueString())))
}

// goneDiagnostic warns that the permissions are gone, with the space or with the membership.
func (r *spaceAppAccessResource) goneDiagnostic(ctx context.Context, state spaceAppAccessModel) diag.Diagnostic {
	if _, err := r.client.Space(ctx, state.spaceID()); heroku.IsNotFound(err) {
		return diag.NewWarningDiagnostic("The permissions are gone with their space", fmt.Sprintf(
			"%s: the space does not exist any more. A plan that gives the permission again needs another space.", state))
	}
	return diag.NewWarningDiagnostic("The member has left the team", fmt.Sprintf(
		"%s: the team of the space no longer has a member with this address, and the permission ended with the membership. As long "+
			"as the configuration has it, the apply is refused until the person is a member again: leave the resource out.", state))
}

func (r *spaceAppAccessResource) member(ctx context.Context, m spaceAppAccessModel) (heroku.SpaceMember, error) {
	member, err := r.client.SpaceMember(ctx, m.spaceID(), heroku.Email(m.Email.normalized()))
	if err == nil && member.SpaceID == "" {
		member.SpaceID = m.spaceID()
	}
	return member, err
}
