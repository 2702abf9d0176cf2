// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/replacement"
)

// Some changes need a new store. This file has the configuration of such a replacement, and what the plan reports of it. Package
// replacement carries it out.

// migrationModel is the `migration` attribute. A null value stands for the default, also within a known object.
type migrationModel struct {
	Strategy         types.String `tfsdk:"strategy"`
	AppMaintenance   types.Bool   `tfsdk:"app_maintenance"`
	ScaleDown        types.Bool   `tfsdk:"scale_down"`
	Verify           types.Bool   `tfsdk:"verify"`
	Retire           types.String `tfsdk:"retire"`
	AcceptDataLoss   types.Bool   `tfsdk:"accept_data_loss"`
	AcceptUnproven   types.Bool   `tfsdk:"accept_unproven"`
	AcceptUnknownApp types.Bool   `tfsdk:"accept_unknown_app"`
	VersionUpgrade   types.String `tfsdk:"version_upgrade"`
}

const (
	strategyFork     = "fork"
	strategyRecreate = "recreate"
)

func migrationAttribute() schema.SingleNestedAttribute {
	return schema.SingleNestedAttribute{
		Optional: true,
		MarkdownDescription: "How to carry out a change that needs a new store: a `plan` of another runtime class, or another `app_id`. The " +
			"new store is forked from the old one and gets its settings, its attachments and its name, and the old store is retired. Changing " +
			"these terms alone sends no request to Heroku, except for `retire`.",
		Attributes: map[string]schema.Attribute{
			"strategy": schema.StringAttribute{
				Optional:   true,
				Validators: []validator.String{stringvalidator.OneOf(strategyFork, strategyRecreate)},
				MarkdownDescription: "`fork`, the default, copies the data. `recreate` starts with an empty store and loses the data, which " +
					"requires `accept_data_loss`. It is the only way to a shield plan, because Heroku does not fork to shield plans.",
			},
			"app_maintenance": schema.BoolAttribute{
				Optional: true,
				MarkdownDescription: "Whether to keep the apps that the store is attached to in maintenance mode during the change, so that no " +
					"web request writes to the old store after it was copied. The previous mode is restored afterwards, also after a failure. Dynos " +
					"keep running: see `scale_down`. It also applies during a version upgrade with `version_upgrade = \"now\"`. Defaults to `false`.",
			},
			"scale_down": schema.BoolAttribute{
				Optional: true,
				MarkdownDescription: "Whether to scale all process types of these apps to 0 during the change, and back to their previous " +
					"quantities afterwards, also after a failure. Until then, the previous values are kept in the app's config var `KVS_MIGRATION`. " +
					"Defaults to `false`.",
			},
			"verify": schema.BoolAttribute{
				Optional: true,
				MarkdownDescription: "Whether to count the keys of both stores before anything is moved. If the numbers differ, nothing is moved " +
					"and the new store is destroyed. A private store can be reached only from its space; from elsewhere, nothing can be proven. " +
					"Defaults to `true`.",
			},
			"retire": schema.StringAttribute{
				Optional: true,
				Validators: []validator.String{stringvalidator.OneOf(replacement.RetireWhenVerified,
					replacement.RetireAlways, replacement.RetireNever)},
				MarkdownDescription: "What happens to the old store. `when_verified`, the default, destroys it after a proven copy, and otherwise " +
					"keeps it under another name as `retired_instance_id`. `always` destroys it, `never` keeps it. Heroku charges for a store that " +
					"is kept. Changing it to `always` later destroys the store that was kept.",
			},
			"accept_data_loss": schema.BoolAttribute{
				Optional: true,
				MarkdownDescription: "Consent to losing all keys. It is required for `strategy = \"recreate\"`, which also needs " +
					"`deletion_protection = false`, and for a version upgrade of a `mini` store. Defaults to `false`.",
			},
			"accept_unproven": schema.BoolAttribute{
				Optional: true,
				MarkdownDescription: "Whether to continue if the store cannot be reached from here and a required check, such as that its data " +
					"fits into a smaller plan, remains unproven. Defaults to `false`.",
			},
			"accept_unknown_app": schema.BoolAttribute{
				Optional: true,
				MarkdownDescription: "Consent to changing a protected store while its `app_id` is known only after apply. By default, such a plan " +
					"is refused: if the app turns out to be replaced, Heroku destroys its stores with it, even if they are protected here. Defaults " +
					"to `false`.",
			},
			"version_upgrade": schema.StringAttribute{
				Optional:   true,
				Validators: []validator.String{stringvalidator.OneOf(upgradeNow, upgradeInWindow)},
				MarkdownDescription: "When an upgraded server replaces the running one. `window`, the default, does it in the store's maintenance " +
					"window, and no apply waits for it. `now` does it as soon as the upgraded server is prepared. It is refused unless all apps that " +
					"the store is attached to are in maintenance mode, or `app_maintenance` or `scale_down` is `true`.",
			},
		},
	}
}

func (m migrationModel) recreates() bool { return m.Strategy.ValueString() == strategyRecreate }
func (m migrationModel) verifies() bool  { return m.Verify.IsNull() || m.Verify.ValueBool() }
func (m migrationModel) retires() string {
	return cmp.Or(m.Retire.ValueString(), replacement.RetireWhenVerified)
}
func (m migrationModel) hold() replacement.Hold {
	return replacement.Hold{AppMaintenance: m.AppMaintenance.ValueBool(), ScaleDown: m.ScaleDown.ValueBool()}
}

func (m migrationModel) holds() bool { return m.hold() != replacement.Hold{} }

// terms returns the `migration` attribute. Null and unknown values stand for the defaults.
func (m instanceModel) terms(ctx context.Context) migrationModel {
	var terms migrationModel
	if !m.Migration.IsNull() && !m.Migration.IsUnknown() {
		m.Migration.As(ctx, &terms, basetypes.ObjectAsOptions{UnhandledUnknownAsEmpty: true})
	}
	return terms
}

// planReplacement refuses a replacement, or warns what a new store means for the data, the apps and the costs.
func (r *instanceResource) planReplacement(ctx context.Context, state, config instanceModel, plan *instanceModel,
	change keyvalue.Change) diag.Diagnostics {
	terms := plan.terms(ctx)
	diags := refuseReplacement(state, *plan, change, terms)
	if !diags.HasError() && terms.recreates() && terms.retires() != replacement.RetireNever {
		diags.Append(r.refuseLoss(state)...)
	}
	if diags.HasError() {
		return diags
	}
	plan.markReplaced(state, config)
	diags.Append(r.planPlacement(ctx, plan)...)
	diags.Append(r.refuseForkOf(ctx, state, *plan, terms)...)
	if r.client == nil || diags.HasError() {
		return diags
	}
	if state.State.ValueString() != instanceMigrating && !plan.AppID.Equal(state.AppID) {
		if diags.Append(r.nameIsFree(ctx, heroku.AppID(plan.AppID.ValueString()), plan.AttachmentName,
			state.addOnID())...); diags.HasError() {
			return diags
		}
	}
	facts := change.Facts
	if terms.recreates() {
		facts = []string{r.describeLoss(ctx, state), "The new store has a new id and a new URL; apps use it once their " +
			"attachments point to it, and restart then."}
	}
	facts = append(facts, r.movedAttachments(ctx, state, *plan)...)
	facts = append(facts, terms.describe(change)...)
	diags.AddAttributeWarning(replacementCause(state, *plan), replacementSummary(state, terms), fmt.Sprintf(
		"%s: %s\n\n%s", state.label(), change.Reason, bullets(facts)))
	return diags
}

// refuseForkOf refuses a replacement that copies keys between two apps where Heroku does not support it.
func (r *instanceResource) refuseForkOf(ctx context.Context, state, plan instanceModel, terms migrationModel) diag.Diagnostics {
	if terms.recreates() || !known(plan.AppID) {
		return nil
	}
	return r.refuseForkFrom(ctx, heroku.AppID(state.AppID.ValueString()), heroku.AppID(plan.AppID.ValueString()),
		replacementCause(state, plan))
}

func replacementSummary(state instanceModel, terms migrationModel) string {
	switch {
	case state.State.ValueString() == instanceMigrating:
		return "The replacement of the store will be continued"
	case terms.recreates():
		return "The store will be replaced by an empty one"
	}
	return "The store will be replaced by a fork of it"
}

// replacementCause is the attribute whose change needs a new store.
func replacementCause(state, plan instanceModel) path.Path {
	if !plan.AppID.Equal(state.AppID) {
		return path.Root("app_id")
	}
	return path.Root("plan")
}

// refuseReplacement refuses a replacement that would lose data without consent, or that cannot be carried out.
func refuseReplacement(state, plan instanceModel, change keyvalue.Change, terms migrationModel) diag.Diagnostics {
	var diags diag.Diagnostics
	at := replacementCause(state, plan)
	switch {
	case !state.RetiredInstanceID.IsNull():
		diags.AddAttributeError(at, "A retired store is still kept", fmt.Sprintf(
			"%s was created by an earlier replacement, and the old store %s still "+
				"exists. Destroy the old store first, with migration = { retire = "+
				"\"always\" }.", state.label(), state.RetiredInstanceID.ValueString()))
	case !plan.Name.IsUnknown() && !plan.Name.Equal(state.Name):
		diags.AddAttributeError(path.Root("name"), "A replacement keeps the name", fmt.Sprintf(
			"%s is to be replaced by another store, which takes over its name, because an interrupted replacement is found by "+
				"that name. Leave name as it is, apply, and rename the new store in a later apply.", state.label()))
	case !terms.recreates() && change.Method == keyvalue.Refused:
		diags.AddAttributeError(at, "This change needs a new, empty Key-Value Store", fmt.Sprintf(
			"%s cannot be changed in place: %s\n\nThere are two ways out. Declare a second kvs_instance on the new "+
				"plan, let the apps fill it, re-point each kvs_attachment through its instance_id, and remove this one last. "+
				"Or, if the data may be lost, set migration = { strategy = \"recreate\", accept_data_loss = true } here.",
			state.label(), change.Reason))
	case terms.recreates() && !terms.AcceptDataLoss.ValueBool():
		diags.AddAttributeError(path.Root("migration"), "Recreating the store loses its data", fmt.Sprintf(
			"%s would be replaced by an empty store. Set accept_data_loss = true beside strategy = \"recreate\" if "+
				"its keys may be lost.", state.label()))
	case terms.recreates() && terms.retires() != replacement.RetireNever:
		state.DeletionProtection = types.BoolValue(state.DeletionProtection.ValueBool() ||
			plan.DeletionProtection.ValueBool() || plan.DeletionProtection.IsUnknown())
		diags.Append(state.refuseDestroy()...)
	}
	return diags
}

// markReplaced marks the values that a new store changes as unknown.
func (m *instanceModel) markReplaced(state, config instanceModel) {
	m.ID, m.State, m.CreatedAt = types.StringUnknown(), types.StringUnknown(), types.StringUnknown()
	m.VersionActual, m.RetiredInstanceID, m.CredentialsRevision = types.StringUnknown(), types.StringUnknown(), types.Int64Unknown()
	m.ConfigVars = types.SetUnknown(types.StringType)
	if config.AttachmentName.IsNull() && !m.AppID.Equal(state.AppID) {
		m.AttachmentName = types.StringUnknown()
	}
}

// movedAttachments describes which apps restart, whoever manages their attachments, and which apps cannot reach the new store.
func (r *instanceResource) movedAttachments(ctx context.Context, state, plan instanceModel) []string {
	attachments, err := r.client.AddOnAttachments(ctx, state.addOnID())
	if err != nil {
		return []string{"All attachments of the store are moved to the new store, on every app; these apps restart."}
	}
	var moved, outside []string
	for _, attachment := range attachments {
		if replacement.IsInternalAttachment(state.addOnID(), attachment.Name) {
			continue
		}
		moved = append(moved, fmt.Sprintf("%s of app %s", keyvalue.ConfigVar(attachment.Name), attachment.AppName))
		if !slices.Contains(outside, attachment.AppName) && !r.canReach(ctx, attachment.AppID, plan) {
			outside = append(outside, attachment.AppName)
		}
	}
	if len(moved) == 0 {
		return nil
	}
	slices.Sort(moved)
	slices.Sort(outside)
	facts := []string{"These attachments are re-pointed to the new store, whether they are managed here or not: " +
		strings.Join(moved, ", ") + "."}
	if len(outside) > 0 {
		facts = append(facts, "A private store accepts connections from its own space only. These apps are not in that space and lose "+
			"access to the data: "+strings.Join(outside, ", ")+".")
	}
	return facts
}

// canReach reports whether an app can reach the planned store; true as well if that cannot be found out.
func (r *instanceResource) canReach(ctx context.Context, id heroku.AppID, plan instanceModel) bool {
	if class, _ := plan.spec().Plan.Class(); class != keyvalue.ClassPrivate && class != keyvalue.ClassShield {
		return true
	}
	app, err := r.client.App(ctx, id)
	owner, ownerErr := r.client.App(ctx, heroku.AppID(plan.AppID.ValueString()))
	return err != nil || ownerErr != nil || owner.Space == nil || app.Space != nil && app.Space.ID == owner.Space.ID
}

// describeLoss is the sentence that warns of the loss of all keys, with their number if it is known.
func (r *instanceResource) describeLoss(ctx context.Context, state instanceModel) string {
	const all = "All keys of the store are lost"
	report, err := r.probeStore(ctx, state.addOnID())
	if keys, known := report.KeyCount(); err == nil && known {
		return fmt.Sprintf("%s: %d keys in %d bytes now.", all, keys, report.UsedMemory)
	}
	return all + "; how many there are is not known, because its server is not reachable from here."
}

// describe explains what the terms mean for the apps and for the old store.
func (m migrationModel) describe(change keyvalue.Change) []string {
	var facts []string
	hold := m.hold()
	switch {
	case m.recreates():
	case hold.AppMaintenance && hold.ScaleDown:
		facts = append(facts, "The attached apps are in maintenance mode and scaled to 0 meanwhile, so that no write is lost.")
	case hold.AppMaintenance:
		facts = append(facts, "The attached apps are in maintenance mode meanwhile. Dynos that write without being "+
			"asked by a web request, such as workers, need scale_down = true as well.")
	case hold.ScaleDown:
		facts = append(facts, "The attached apps are scaled to 0 meanwhile, so that no write is lost.")
	default:
		facts = append(facts, "The attached apps go on writing meanwhile, and what they write during the copy may be "+
			"lost: set migration = { app_maintenance = true, scale_down = true } to lose none of it.")
	}
	switch m.retires() {
	case replacement.RetireAlways:
		facts = append(facts, "The old store is destroyed afterwards, whether or not the copy is proven.")
	case replacement.RetireNever:
		facts = append(facts, "The old store is kept under another name, "+paidFor(change.PriceBefore)+".")
	default:
		facts = append(facts, "The old store is destroyed when the keys of both have been counted and their numbers are equal. "+
			"Where they cannot be counted, as in a Private Space from outside, it is kept under another name, "+
			paidFor(change.PriceBefore)+", until migration = { retire = \"always\" } is applied.")
	}
	return facts
}

func paidFor(cents *int) string {
	if cents == nil {
		return "and paid for"
	}
	return fmt.Sprintf("at $%d.%02d a month", *cents/100, *cents%100)
}
