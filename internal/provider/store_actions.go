// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/action/timeouts"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/action/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/probe"
)

// kvs_rotate_credentials gives a store a new password and ends when every attached app has it and the store refuses the old one. URLs
// are compared in memory and appear in no message.

var (
	_ action.ActionWithConfigure  = (*credentialsAction)(nil)
	_ action.ActionWithModifyPlan = (*credentialsAction)(nil)
)

type credentialsAction struct{ connection }

func newCredentialsAction() action.Action { return &credentialsAction{} }

type credentialsActionModel struct {
	InstanceID types.String   `tfsdk:"instance_id"`
	Timeouts   timeouts.Value `tfsdk:"timeouts"`
}

const (
	stepReading  = "looking at the apps"
	stepRotating = "rotating the credentials"
	stepNewURL   = "waiting for the store's new URL"
	stepApps     = "waiting for the apps to get it"
	stepRevoked  = "checking that the old password is revoked"
)

const (
	revokedPollInterval = 5 * time.Second // between probes of a store that still accepts the old password
	maxInconclusive     = 3               // failed probes, after which the check is inconclusive
)

func (a *credentialsAction) Metadata(_ context.Context, req action.MetadataRequest, resp *action.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_rotate_credentials"
}

func (a *credentialsAction) Schema(ctx context.Context, _ action.SchemaRequest, resp *action.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Gives a store a new password, and waits until every app that it is attached to has the new URL in its config " +
			"vars, which restarts the app, and until the old password is refused. If the store cannot be reached from here, as in a Private " +
			"Space, a warning says that the refusal is not proven. Read the new URL with the ephemeral resource `kvs_credentials` in the next " +
			"run, because the same run may have read it before the rotation. The next run also updates copies of the credentials that depend " +
			"on `credentials_revision`. The action can be interrupted: if a rotation has not reached all apps, the next invocation waits for " +
			"it and does not start another one.",
		Attributes: map[string]schema.Attribute{"instance_id": actionInstanceID(), "timeouts": actionTimeouts(ctx)},
	}
}

func (a *credentialsAction) Configure(_ context.Context, req action.ConfigureRequest, resp *action.ConfigureResponse) {
	a.configure(req.ProviderData, &resp.Diagnostics)
}

func (a *credentialsAction) Invoke(ctx context.Context, req action.InvokeRequest, resp *action.InvokeResponse) {
	defer recoverPanic(&resp.Diagnostics, "Rotating credentials", nil)
	var config credentialsActionModel
	if !a.readConfig(ctx, req, &config, &resp.Diagnostics) {
		return
	}
	addOn, diags := a.actionStore(ctx, config.InstanceID)
	if resp.Diagnostics.Append(diags...); diags.HasError() {
		return
	}
	r := rotation{invocation: a.invoke(resp, addOn.Name, stepReading, stepRotating, stepNewURL, stepApps, stepRevoked), addOn: addOn}
	if resp.Diagnostics.Append(r.limit(ctx, config.Timeouts)...); resp.Diagnostics.HasError() {
		return
	}
	store, err := r.rotate(ctx, &resp.Diagnostics)
	if err == nil {
		err = r.reachApps(ctx, store)
	}
	if err != nil {
		object := storeLabel(addOn)
		if !r.ordered {
			object += ", whose credentials were not rotated"
		}
		resp.Diagnostics.Append(r.failure("Unable to rotate the credentials of Key-Value Store", object, err))
		return
	}
	resp.Diagnostics.Append(r.verifyRevoked(ctx, store)...)
}

// rotation is one change of a store's password.
type rotation struct {
	*invocation
	addOn heroku.AddOn
	vars  []urlVar
	old   []heroku.Secret // URLs whose passwords are to be revoked

	ordered bool // by this run or an earlier one
}

// urlVar is a config var of an app with the URL of the store.
type urlVar struct {
	app           heroku.AppID
	appName, name string
}

// rotate orders a rotation, unless an earlier one has not reached all apps, and returns the store with its new URL.
func (r *rotation) rotate(ctx context.Context, diags *diag.Diagnostics) (heroku.Store, error) {
	r.begin(ctx, stepReading)
	store, err := r.client.WaitStoreAvailable(ctx, r.addOn.ID, "", r.remaining())
	if err == nil {
		err = r.readConfigVars(ctx, store)
	}
	if err != nil {
		return store, err
	}
	if r.ordered = len(r.old) > 0; r.ordered {
		r.say(ctx, "an earlier rotation has not reached all apps yet: it is finished, and no other one is begun")
		diags.AddWarning("An earlier rotation of the credentials was finished", fmt.Sprintf(
			"%s: when the action began, not all attached apps had the store's present URL, so it waited for that instead "+
				"of rotating once more. Invoke it again for another rotation.", storeLabel(r.addOn)))
		return store, nil
	}
	r.begin(ctx, stepRotating)
	before, err := r.client.RotateCredentials(ctx, r.addOn.ID)
	if r.ordered = mayHaveBegun(err); err != nil {
		return store, err
	}
	r.old = []heroku.Secret{before}
	r.begin(ctx, stepNewURL)
	return r.client.WaitCredentialsRotated(r.withProgress(ctx), r.addOn.ID, before, r.remaining())
}

// readConfigVars reads the config vars of the attached apps, and collects the URLs in them with another password.
func (r *rotation) readConfigVars(ctx context.Context, store heroku.Store) error {
	attachments, err := r.client.AddOnAttachments(ctx, r.addOn.ID)
	if err != nil {
		return err
	}
	for _, attachment := range attachments {
		at := urlVar{attachment.AppID, attachment.AppName, keyvalue.ConfigVar(attachment.Name)}
		value, set, err := r.client.ConfigVar(ctx, at.app, at.name)
		if err != nil {
			return fmt.Errorf("app %s: %w", at.appName, err)
		}
		if other := heroku.Secret(value); set && !samePassword(other, store.ResourceURL) && !slices.Contains(r.old, other) {
			r.old = append(r.old, other)
		}
		r.vars = append(r.vars, at)
	}
	return nil
}

// samePassword compares only the passwords of two URLs: the host may have another name inside of a space.
func samePassword(a, b heroku.Secret) bool {
	one, err := keyvalue.ParseURL(a.Reveal())
	other, e := keyvalue.ParseURL(b.Reveal())
	if err != nil || e != nil || one.Password == "" {
		return a == b
	}
	return one.Password == other.Password
}

// reachApps waits until all apps have the new URL. It skips an app that is gone.
func (r *rotation) reachApps(ctx context.Context, store heroku.Store) error {
	r.begin(ctx, stepApps)
	for n, at := range r.vars {
		err := r.client.WaitConfigVar(ctx, at.app, at.name, r.remaining(), func(value heroku.Secret) bool {
			return samePassword(value, store.ResourceURL)
		})
		if err != nil && !heroku.IsNotFound(err) {
			return fmt.Errorf("app %s: %w", at.appName, err)
		}
		r.say(ctx, fmt.Sprintf("%s of app %s is up to date, %d of %d", at.name, at.appName, n+1, len(r.vars)))
	}
	return nil
}

// verifyRevoked checks that the store accepts the new password and refuses the old ones.
func (r *rotation) verifyRevoked(ctx context.Context, store heroku.Store) diag.Diagnostics {
	r.begin(ctx, stepRevoked)
	if _, err := r.probeServer(ctx, store.ResourceURL, false); err != nil {
		return r.inconclusive(ctx, err)
	}
	for _, old := range r.old {
		target, err := withPassword(store.ResourceURL, old)
		for misses := 0; err == nil; {
			_, err = r.probeServer(ctx, target, false)
			var unreachable *probe.Unreachable
			switch {
			case err == nil && r.remaining() == 0:
				return diag.Diagnostics{diag.NewErrorDiagnostic("The old password still opens the store", fmt.Sprintf(
					"%s has a new password, and all attached apps have it, but %s after the action began its server still accepts the old one. "+
						"Invoke the action again, and tell Heroku Support if that does not help.",
					storeLabel(r.addOn), r.elapsed()))}
			case err == nil:
				r.say(ctx, "it is still accepted")
			case errors.As(err, &unreachable) && unreachable.Reason != probe.ReasonAuth && misses < maxInconclusive:
				misses++
			default:
				continue // err ends the loop
			}
			err = r.client.Clock().Sleep(ctx, revokedPollInterval)
		}
		var refused *probe.Unreachable
		if !errors.As(err, &refused) || refused.Reason != probe.ReasonAuth {
			return r.inconclusive(ctx, err)
		}
	}
	r.say(ctx, "it is refused, and the new one is accepted")
	return nil
}

// inconclusive reports that the old password could not be checked: a warning, since the password was changed, but an error after an
// interrupt.
func (r *rotation) inconclusive(ctx context.Context, err error) diag.Diagnostics {
	if ctx.Err() != nil {
		return diag.Diagnostics{diag.NewErrorDiagnostic("Unable to check the old password", fmt.Sprintf(
			"%s: %s\n\nIts credentials were rotated, and all attached apps have the new ones. It is "+
				"only not verified that the old password is refused: try the old URL to check. If the "+
				"action is invoked again, it rotates once more.", storeLabel(r.addOn), whatHappened(err)))}
	}
	why := strings.TrimPrefix(err.Error(), "the store cannot be reached: ")
	r.say(ctx, "not proven: not reachable from here")
	return diag.Diagnostics{diag.NewWarningDiagnostic("The old password could not be verified as revoked", fmt.Sprintf(
		"%s has a new password, and all attached apps have it. It is not proven that the old one is refused, "+
			"because the store is not reachable from here: %s. To check, try the old URL from a dyno of an app in "+
			"its space.", storeLabel(r.addOn), why))}
}

// withPassword returns the URL target with the password of the URL from.
func withPassword(target, from heroku.Secret) (heroku.Secret, error) {
	u, err := url.Parse(target.Reveal())
	if err != nil {
		return "", errors.New("the store's URL cannot be read")
	}
	old, err := keyvalue.ParseURL(from.Reveal())
	if err != nil {
		return "", err // contains no part of the URL
	}
	u.User = url.UserPassword(u.User.Username(), old.Password)
	return heroku.Secret(u.String()), nil
}

// kvs_upgrade_version gives a store a newer version. On production plans Heroku only prepares a maintenance, and the version changes
// when that runs. On the mini plan Heroku upgrades at once, and the keys are lost.

var (
	_ action.ActionWithConfigure  = (*versionAction)(nil)
	_ action.ActionWithModifyPlan = (*versionAction)(nil)
)

type versionAction struct{ connection }

func newVersionAction() action.Action { return &versionAction{} }

type versionActionModel struct {
	InstanceID types.String `tfsdk:"instance_id"`
	Version    types.String `tfsdk:"version"`
	When       types.String `tfsdk:"when"`
	maintenanceRunModel
	AcceptDataLoss types.Bool     `tfsdk:"accept_data_loss"`
	Timeouts       timeouts.Value `tfsdk:"timeouts"`
}

const (
	stepOrdering = "ordering the upgrade"
	stepVersion  = "checking the version"
)

func (a *versionAction) Metadata(_ context.Context, req action.MetadataRequest, resp *action.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_upgrade_version"
}

func (a *versionAction) Schema(ctx context.Context, _ action.SchemaRequest, resp *action.SchemaResponse) {
	attributes := map[string]schema.Attribute{
		"instance_id": actionInstanceID(),
		"version": schema.StringAttribute{
			MarkdownDescription: "The lowest version that the store should have, such as `7.2`. A store that runs this version or a later one " +
				"is left as it is.",
			Required:   true,
			Validators: []validator.String{validatedBy(validateVersion)},
		},
		"when": schema.StringAttribute{
			MarkdownDescription: "When the prepared maintenance runs. `window`, the default, leaves it to the store's maintenance window. " +
				"`now` runs it as soon as it is ready; the attributes `app_maintenance`, `confirm` and `scale_down` apply only then.",
			Optional:   true,
			Validators: []validator.String{stringvalidator.OneOf(upgradeNow, upgradeInWindow)},
		},
		"accept_data_loss": schema.BoolAttribute{
			MarkdownDescription: "Consent to losing all keys in the upgrade of a store on the mini plan. Defaults to `false`.",
			Optional:            true,
		},
		"timeouts": actionTimeouts(ctx),
	}
	maps.Copy(attributes, maintenanceRunAttributes())
	resp.Schema = schema.Schema{
		MarkdownDescription: "Upgrades the version of a store. An upgrade cannot be undone. Heroku prepares a maintenance, which takes the " +
			"store offline for some minutes when it runs; a store on the mini plan is upgraded at once and loses all keys. The action can be " +
			"interrupted and invoked again: it does not order the same upgrade twice, and it restores apps that it has put into maintenance " +
			"mode or scaled to 0.",
		Attributes: attributes,
	}
}

func (a *versionAction) Configure(_ context.Context, req action.ConfigureRequest, resp *action.ConfigureResponse) {
	a.configure(req.ProviderData, &resp.Diagnostics)
}

func (a *versionAction) Invoke(ctx context.Context, req action.InvokeRequest, resp *action.InvokeResponse) {
	defer recoverPanic(&resp.Diagnostics, "Upgrading a version", nil)
	var config versionActionModel
	if !a.readConfig(ctx, req, &config, &resp.Diagnostics) {
		return
	}
	addOn, diags := a.actionStore(ctx, config.InstanceID)
	if resp.Diagnostics.Append(diags...); diags.HasError() {
		return
	}
	i := a.invoke(resp, addOn.Name, config.steps(addOn)...)
	if resp.Diagnostics.Append(i.limit(ctx, config.Timeouts)...); resp.Diagnostics.HasError() {
		return
	}
	u, diags := i.newMaintenanceRun(ctx, addOn, config.maintenanceRunModel)
	if resp.Diagnostics.Append(diags...); diags.HasError() {
		return
	}
	resp.Diagnostics.Append(u.upgrade(ctx, config.upgrade())...)
}

// steps returns the steps of an upgrade of the store.
func (m versionActionModel) steps(addOn heroku.AddOn) []string {
	name, err := keyvalue.ParsePlanName(addOn.Plan)
	switch {
	case err == nil && hasNoWindow(name):
		return []string{stepOrdering, stepAvailable, stepVersion}
	case m.When.ValueString() != upgradeNow:
		return []string{stepOrdering, stepPreparing}
	}
	return slices.Concat([]string{stepOrdering}, m.maintenanceRunModel.steps(), []string{stepVersion})
}

func (m versionActionModel) upgrade() upgradeRequest {
	return upgradeRequest{
		floor: keyvalue.Version(m.Version.ValueString()), now: m.When.ValueString() == upgradeNow,
		acceptDataLoss: m.AcceptDataLoss.ValueBool(), consent: path.Root("accept_data_loss"),
	}
}

// kvs_reset_stats sets the counters of a store's server back to 0, as `heroku redis:stats-reset` does.

var (
	_ action.ActionWithConfigure  = (*statsAction)(nil)
	_ action.ActionWithModifyPlan = (*statsAction)(nil)
)

type statsAction struct{ connection }

func newStatsAction() action.Action { return &statsAction{} }

type statsActionModel struct {
	InstanceID types.String `tfsdk:"instance_id"`
}

const resettingStats = "resetting the statistics"

func (a *statsAction) Metadata(_ context.Context, req action.MetadataRequest, resp *action.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_reset_stats"
}

func (a *statsAction) Schema(_ context.Context, _ action.SchemaRequest, resp *action.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Resets the statistics of a store's server to 0, such as its hits, misses, and expired and evicted keys; the " +
			"counters of `kvs_usage` start again. Keys and settings stay.",
		Attributes: map[string]schema.Attribute{"instance_id": actionInstanceID()},
	}
}

func (a *statsAction) Configure(_ context.Context, req action.ConfigureRequest, resp *action.ConfigureResponse) {
	a.configure(req.ProviderData, &resp.Diagnostics)
}

func (a *statsAction) Invoke(ctx context.Context, req action.InvokeRequest, resp *action.InvokeResponse) {
	defer recoverPanic(&resp.Diagnostics, "Resetting the statistics of a store", nil)
	var config statsActionModel
	if !a.readConfig(ctx, req, &config, &resp.Diagnostics) {
		return
	}
	addOn, diags := a.actionStore(ctx, config.InstanceID)
	if resp.Diagnostics.Append(diags...); diags.HasError() {
		return
	}
	i := a.invoke(resp, addOn.Name, resettingStats)
	i.begin(ctx, resettingStats)
	if err := a.client.ResetStats(ctx, addOn.ID); err != nil {
		resp.Diagnostics.Append(i.failure("Unable to reset the statistics of Key-Value Store", storeLabel(addOn), err))
		return
	}
	i.say(ctx, "done")
}
