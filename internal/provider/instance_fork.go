// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/probe"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/replacement"
)

// A new store can start as a copy of another one, a fork: of one of Heroku's stores, or of any server that allows replication
// (Dev Center: Heroku Key-Value Store, "Migrating to Heroku Key-Value Store"). The source is given once, at creation. Its URL
// contains a password: it is read from the configuration and stored nowhere, and a diagnostic about it has no attribute path,
// because Terraform would print the line with the URL.

// forkModel is the `fork` attribute. In plan and state the URL is null.
type forkModel struct {
	InstanceID types.String `tfsdk:"instance_id"`
	URL        types.String `tfsdk:"url_wo"`
	URLVersion wholeNumber  `tfsdk:"url_wo_version"`
}

func forkAttribute() schema.SingleNestedAttribute {
	return schema.SingleNestedAttribute{
		Optional:   true,
		Validators: []validator.Object{forkRule{}},
		MarkdownDescription: "The source that the new store is copied from: another store, or a server elsewhere. Set exactly one of " +
			"`instance_id` and `url_wo`. All keys are copied, but no settings. Before the copy, the provider checks that the source can be " +
			"copied and that its data fits into `plan`; afterwards, it counts the keys of both. Writes to the source after the copy are not " +
			"copied. Heroku does not fork to `shield` plans. It takes effect only at creation: changing it later sends no request to Heroku.",
		Attributes: map[string]schema.Attribute{
			"instance_id": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "UUID of the store to copy, such as `kvs_instance.old.id`.",
			},
			"url_wo": schema.StringAttribute{
				Optional:  true,
				Sensitive: true,
				WriteOnly: true,
				MarkdownDescription: "URL of the server to copy, with its password: `rediss://:password@host:6379`, or `redis://` without " +
					"encryption. The server must support `SYNC`, and must be reachable from Heroku and from the machine that runs Terraform. The URL " +
					"is stored neither in the plan nor in the state. The server's certificate must be verifiable, unless the host is one of Heroku's.",
			},
			"url_wo_version": schema.Int64Attribute{
				Optional:   true,
				CustomType: versionNumber,
				MarkdownDescription: "Any whole number, set together with `url_wo`. It is stored in the state, unlike the URL, and shows which " +
					"source the store was created from.",
			},
		},
	}
}

// forkRule requires exactly one valid source. It validates the whole object, because a URL may also be in the wrong attribute.
type forkRule struct{}

func (forkRule) Description(context.Context) string {
	return "Exactly one of instance_id and url_wo is the source."
}
func (r forkRule) MarkdownDescription(ctx context.Context) string { return r.Description(ctx) }

func (forkRule) ValidateObject(ctx context.Context, req validator.ObjectRequest, resp *validator.ObjectResponse) {
	fork, diags := forkOf(ctx, req.ConfigValue)
	if !diags.HasError() && !req.ConfigValue.IsNull() { // an attribute with a conversion error reports it itself
		resp.Diagnostics.Append(fork.check()...)
	}
}

// forkOf converts the attribute. An unknown object becomes a fork with unknown attributes.
func forkOf(ctx context.Context, value types.Object) (forkModel, diag.Diagnostics) {
	var fork forkModel
	switch {
	case value.IsUnknown():
		return forkModel{types.StringUnknown(), types.StringUnknown(), wholeNumber{Int64Value: types.Int64Unknown()}}, nil
	case value.IsNull():
		return fork, nil
	}
	diags := value.As(ctx, &fork, basetypes.ObjectAsOptions{})
	return fork, diags
}

// check validates the known values. An unknown source may turn out to be null.
func (m forkModel) check() diag.Diagnostics {
	var diags diag.Diagnostics
	id, url := m.InstanceID, m.URL
	switch {
	case id.IsNull() && url.IsNull():
		diags.AddAttributeError(path.Root("fork"), "A fork needs a source",
			"Neither instance_id nor url_wo is set. Write fork = { instance_id = kvs_instance.old.id }, or fork = { "+
				"url_wo = var.url, url_wo_version = 1 }; without a source, leave fork out.")
		return diags
	case known(id) && known(url):
		diags.AddError("A fork has one source", "Both instance_id and url_wo of fork are set. Keep the one that is to be copied.")
		return diags
	}
	if known(id) && !keyvalue.IsUUID(id.ValueString()) {
		diags.AddError("Invalid source of a fork",
			"instance_id of fork is not an id: give a UUID in lower case, for example "+
				"7c4e2a90-3b5d-4f8e-a1c6-d2e3f4a5b6c7. A URL belongs into url_wo.")
	}
	if known(url) {
		if _, err := keyvalue.ParseURL(url.ValueString()); err != nil {
			diags.Append(invalidSourceURL(err))
		}
	}
	return diags
}

func known(value types.String) bool { return !value.IsNull() && !value.IsUnknown() }

// invalidSourceURL is the diagnostic for an invalid URL. err comes from package keyvalue and contains no part of the URL.
func invalidSourceURL(err error) diag.Diagnostic {
	return diag.NewErrorDiagnostic("Invalid source of a fork", fmt.Sprintf("url_wo of fork: %s.", err))
}

// planFork refuses a fork on a shield plan at plan time.
func (m instanceModel) planFork(fork types.Object) diag.Diagnostics {
	if fork.IsNull() || fork.IsUnknown() || m.Plan.IsUnknown() {
		return nil
	}
	return refuseShieldFork(m.spec().Plan, path.Root("plan"))
}

func refuseShieldFork(target keyvalue.PlanName, at path.Path) diag.Diagnostics {
	var diags diag.Diagnostics
	if class, _ := target.Class(); class == keyvalue.ClassShield {
		diags.AddAttributeError(at, "Heroku does not fork to shield plans", fmt.Sprintf(
			"The plan %s is a shield plan, and a store on one cannot begin as a copy of another. Leave fork out and "+
				"let the apps fill the new store.", target))
	}
	return diags
}

// refuseForkFrom refuses a fork between two apps where Heroku does not support it. If an app cannot be read, Heroku decides.
func (r *instanceResource) refuseForkFrom(ctx context.Context, from, to heroku.AppID, at path.Path) diag.Diagnostics {
	if r.client == nil || from == "" || to == "" || from == to {
		return nil
	}
	source, err := r.client.CachedApp(ctx, from)
	if err != nil {
		return nil
	}
	target, err := r.client.CachedApp(ctx, to)
	if err != nil {
		return nil
	}
	reason := keyvalue.ForkRefusal(source.Generation, target.Generation)
	if reason == "" {
		return nil
	}
	return diag.Diagnostics{diag.NewAttributeErrorDiagnostic(at, "The store cannot be forked there", fmt.Sprintf(
		"The source is a store of the app %s, in %s, and the new store one of the app %s, in %s. %s Nothing has been changed.\n\n"+
			"Make a new, empty store there and let the apps fill it: a kvs_instance without fork, or, in place of one that is managed here "+
			"and whose keys may be lost, migration = { strategy = \"recreate\", accept_data_loss = true }.",
		source.Name, locationLabel(source), target.Name, locationLabel(target), reason))}
}

// refuseFork is refuseForkFrom for the configured source.
func (r *instanceResource) refuseFork(ctx context.Context, config instanceModel, to types.String) diag.Diagnostics {
	fork, diags := forkOf(ctx, config.Fork)
	if diags.HasError() || r.client == nil || !known(fork.InstanceID) || !known(to) {
		return nil
	}
	addOn, err := r.client.AddOn(ctx, heroku.AddOnID(fork.InstanceID.ValueString()))
	if err != nil {
		return nil
	}
	return r.refuseForkFrom(ctx, addOn.AppID, heroku.AppID(to.ValueString()), path.Root("fork"))
}

// planForkChange warns that changing fork has no effect after creation. State and plan have no URL, so another URL is visible
// only by its version.
func planForkChange(state, plan types.Object) diag.Diagnostics {
	unknown := func(part attr.Value) bool { return part.IsUnknown() }
	if state.Equal(plan) || plan.IsUnknown() || slices.ContainsFunc(slices.Collect(maps.Values(plan.Attributes())), unknown) {
		return nil // or may turn out to be equal
	}
	return diag.Diagnostics{diag.NewWarningDiagnostic("A fork is made at creation only",
		"The store exists, and its data stays as it is: changing or removing fork sends nothing to Heroku. "+
			"For a store with the data of another source, declare a second kvs_instance with that fork.")}
}

// forkSource is the URL that Heroku copies from, empty without a fork. external reports whether it is a URL of the
// configuration. A source that is not ready is an error, because it has no URL yet.
func (r *instanceResource) forkSource(ctx context.Context, fork forkModel) (source heroku.Secret, external bool, diags diag.Diagnostics) {
	if known(fork.URL) {
		return heroku.Secret(fork.URL.ValueString()), true, fork.check()
	}
	if !known(fork.InstanceID) {
		return "", false, nil
	}
	addOn, diags := r.findInstance(ctx, fork.InstanceID.ValueString())
	if diags.HasError() {
		return "", false, diags
	}
	object := fmt.Sprintf("Key-Value Store %s (%s)", addOn.Name, addOn.ID)
	store, err := r.storeOf(ctx, addOn)
	if err != nil {
		return "", false, diag.Diagnostics{r.failure("Unable to read the source of the fork", object, err)}
	}
	if state := unreadyState(addOn, store); state != "" {
		diags.AddAttributeError(path.Root("fork"), "The source of the fork is not ready", fmt.Sprintf(
			"%s is %s, so it cannot be copied yet. Nothing has been ordered. Apply again when it is available.", object, state))
		return "", false, diags
	}
	return store.ResourceURL, false, diags
}

// unreadyState is Heroku's word for the state of a store that is not ready; empty if it is ready.
func unreadyState(addOn heroku.AddOn, store *heroku.Store) string {
	switch {
	case addOn.State != heroku.StateProvisioned:
		return addOn.State
	case store == nil:
		return instancePreparing
	case store.Preparing():
		return fmt.Sprintf("%q", store.Status)
	case store.ResourceURL == "":
		return instancePreparing
	}
	return ""
}

// forkUnverified is a key of the private state. It is set while a fork was ordered and its completion has not been verified.
const forkUnverified = "fork_unverified"

// forkMark is the value of forkUnverified; nil for a store that is no fork.
func (m instanceModel) forkMark() []byte {
	if m.Fork.IsNull() {
		return nil
	}
	return []byte("true")
}

// verifyFork compares the number of keys of a new store with that of its source. It destroys a copy that lacks some: the copy
// was ordered a moment ago, and the source has all keys.
func (r *instanceResource) verifyFork(ctx context.Context, plan, config instanceModel,
	timeout time.Duration) (gone bool, diags diag.Diagnostics) {
	result, reason, err := r.compareFork(ctx, plan, config)
	switch {
	case err != nil:
		cause := r.failure("", plan.label(), err)
		diags.AddWarning("The fork could not be verified", cause.Detail()+"\n\nHeroku reports that it is complete.")
	case result == replacement.Inconclusive && reason != "":
		diags.AddWarning("The fork could not be verified", fmt.Sprintf("%s: %s\n\nHeroku reports that it is complete.", plan.label(), reason))
	case result == replacement.Different:
		diags.AddError("The fork is not complete", fmt.Sprintf(
			"%s: %s\n\nThe new store is destroyed, and its source is as it was. Apply again when nothing is written "+
				"to the source.", plan.label(), reason))
		if err := r.replacements().Destroy(context.WithoutCancel(ctx), plan.addOnID(), timeout); err != nil {
			diags.Append(r.failure("Unable to destroy Key-Value Store", plan.label(), err))
			return false, diags
		}
		return true, diags
	}
	return false, diags
}

// compareFork is inconclusive, without a reason, for a store that is no fork.
func (r *instanceResource) compareFork(ctx context.Context, plan, config instanceModel) (replacement.Verification, string, error) {
	fork, diags := forkOf(ctx, config.Fork)
	switch {
	case config.Fork.IsNull() || diags.HasError():
		return replacement.Inconclusive, "", nil
	case known(fork.URL):
		return r.verifyCopyOf(ctx, heroku.Secret(fork.URL.ValueString()), plan.addOnID())
	}
	return r.replacements().VerifyCopy(ctx, heroku.AddOnID(fork.InstanceID.ValueString()), plan.addOnID())
}

// verifyCopyOf compares the number of keys of an external source with that of its copy.
func (c *connection) verifyCopyOf(ctx context.Context, source heroku.Secret, to heroku.AddOnID) (replacement.Verification, string, error) {
	ask := func(ctx context.Context) (probe.Report, error) { return c.probeServer(ctx, source, true) }
	return c.replacements().VerifyCopyOf(ctx, ask, to)
}

// resumeFork verifies a fork whose creation was interrupted. The store may be in use by now, so a difference is only reported.
func (r *instanceResource) resumeFork(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse,
	plan instanceModel) diag.Diagnostics {
	mark, diags := req.Private.GetKey(ctx, forkUnverified)
	if mark == nil || diags.HasError() {
		return diags
	}
	var config instanceModel
	diags.Append(req.Config.Get(ctx, &config)...)
	if result, reason, err := r.compareFork(ctx, plan, config); err == nil && result != replacement.Verified && reason != "" {
		diags.AddWarning("The fork could not be verified", fmt.Sprintf("%s: %s\n\nHeroku reports that it is complete.", plan.label(), reason))
	}
	diags.Append(resp.Private.SetKey(ctx, forkUnverified, nil)...)
	return diags
}
