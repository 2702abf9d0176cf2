// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/probe"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/replacement"
)

// Package replacement carries out replacements. This file builds its input and converts its findings to diagnostics.

// replacements returns a manager that uses the client and the locks of this run.
func (c *connection) replacements() *replacement.Manager {
	protector := func(id heroku.AddOnID) (string, bool) { return c.protected.protector(storeObject(id)) }
	return replacement.NewManager(c.client, c.holds, c.probeStore, protector)
}

// store is the store of the state, for package replacement.
func (m instanceModel) store() replacement.Store {
	return replacement.Store{ID: m.addOnID(), Name: m.Name.ValueString()}
}

// replacementOf is the replacement of the store in the state by the planned one.
func (r *instanceResource) replacementOf(
	ctx context.Context, state instanceModel, plan *instanceModel, timeout time.Duration,
) replacement.Plan {
	terms := plan.terms(ctx)
	return replacement.Plan{
		Old:            state.store(),
		AppID:          heroku.AppID(plan.AppID.ValueString()),
		Plan:           plan.spec().Plan,
		AttachmentName: plan.AttachmentName.ValueString(),
		Order:          func(app heroku.App) heroku.AddOnCreate { return plan.createRequest(app) },
		Settings:       func(store heroku.Store) (heroku.StoreConfigUpdate, bool) { return plan.settingsFor(store) },
		Terms: replacement.Terms{Recreate: terms.recreates(), Verify: terms.verifies(),
			Retire: terms.retires(), Hold: terms.hold()},
		Timeout: timeout,
		CheckTarget: func(ctx context.Context, old heroku.AddOn) replacement.Findings {
			app, diags := r.place(ctx, plan)
			if !diags.HasError() && plan.AppID.ValueString() != string(old.AppID) {
				diags.Append(r.nameIsFree(ctx, app.ID, plan.AttachmentName, old.ID)...)
			}
			return findingsOf(diags)
		},
		CheckSource: func(ctx context.Context, old heroku.AddOn, source heroku.Secret) replacement.Findings {
			at := replacementCause(instanceModel{AppID: types.StringValue(string(old.AppID))}, *plan)
			return findingsOf(r.proveSource(ctx, source, at, false, plan.spec().Plan, true))
		},
		ReadBack: func(ctx context.Context, now heroku.AddOn) replacement.Findings {
			return findingsOf(plan.readBack(ctx, r, now))
		},
	}
}

// replace carries out a replacement. Unless done is true, the state must stay as it was, and the next apply continues.
func (r *instanceResource) replace(
	ctx context.Context, state instanceModel, plan *instanceModel, timeout time.Duration,
) (done bool, diags diag.Diagnostics) {
	outcome := r.replacements().Resume(ctx, r.replacementOf(ctx, state, plan, timeout))
	if outcome.Phase != replacement.PhaseRetired {
		return false, r.diagnosticsOf(outcome.Findings)
	}
	plan.RetiredInstanceID = types.StringNull()
	if outcome.Kept != "" {
		plan.RetiredInstanceID = types.StringValue(string(outcome.Kept))
	}
	return true, r.diagnosticsOf(outcome.Findings)
}

// abandon undoes a replacement that an earlier run began and that the configuration no longer asks for.
func (r *instanceResource) abandon(ctx context.Context, state instanceModel, plan *instanceModel, timeout time.Duration) diag.Diagnostics {
	return r.diagnosticsOf(r.replacements().Abandon(ctx, r.replacementOf(ctx, state, plan, timeout)))
}

// diagnosticFinding is a finding of this package: a diagnostic that passes through package replacement unchanged.
type diagnosticFinding struct{ diag.Diagnostic }

func (d diagnosticFinding) IsFailure() bool { return d.Severity() == diag.SeverityError }

func findingsOf(diags diag.Diagnostics) (findings replacement.Findings) {
	for _, d := range diags {
		findings.Append(diagnosticFinding{d})
	}
	return findings
}

// diagnosticsOf converts the findings of a replacement to diagnostics.
func (r *instanceResource) diagnosticsOf(findings replacement.Findings) (diags diag.Diagnostics) {
	for _, finding := range findings {
		diags.Append(r.diagnosticOf(finding))
	}
	return diags
}

func (r *instanceResource) diagnosticOf(finding replacement.Finding) diag.Diagnostic {
	switch f := finding.(type) {
	case diagnosticFinding:
		return f.Diagnostic
	case replacement.Failure:
		return r.failure(failedStep(f.Step), f.Store.String(), f.Err)
	case replacement.Halted:
		return r.halted(f)
	case replacement.UnderWay:
		return diag.NewErrorDiagnostic("A replacement is under way", fmt.Sprintf(
			"%s is being replaced by %s (%s) on the plan %s of app %s, and apps use the new store already: going back "+
				"would lose what they have written. "+
				"Apply the configuration that began this to finish it, and change it after that.",
			f.Old, f.New.Name, f.New.ID, f.Plan, f.AppName))
	case replacement.CopyInconclusive:
		fate := "The old store is kept, as retired_instance_id, until migration = { retire = \"always\" } is applied."
		if f.Destroys {
			fate = "The old store is destroyed, since migration.retire is \"always\"."
		}
		return diag.NewWarningDiagnostic("The copy could not be verified", fmt.Sprintf(
			"%s: %s\n\nHeroku reports that the fork is complete, and the attachments are moved to it. %s", f.Old, f.Reason, fate))
	case replacement.CopyIncomplete:
		return diag.NewErrorDiagnostic("The copy is not complete", fmt.Sprintf(
			"%s: %s\n\nNothing has moved: the old store is untouched and in use, and the new one, %s (%s), is destroyed. "+
				"If apps wrote to the old one meanwhile, set migration = { app_maintenance = true, scale_down = true }, and apply again.",
			f.Old, f.Reason, f.New.Name, f.New.ID))
	case replacement.CopyKept:
		return diag.NewWarningDiagnostic("The new store is kept", fmt.Sprintf(
			"%s (%s), on the plan %s, is to replace %s. No app uses it, and it costs what its plan costs. The next apply continues with "+
				"it, or destroys it and makes another one if it lacks what apps have written meanwhile. An apply of the former configuration "+
				"destroys it.",
			f.New.Name, f.New.ID, f.Plan, f.Old))
	case replacement.MoveFailed:
		return r.failure("Unable to move the attachments of Key-Value Store",
			fmt.Sprintf("%s, replaced by %s (%s)", f.Old, f.New.Name, f.New.ID), f.Err)
	case replacement.AppsHeld:
		return r.appsHeld(f)
	case replacement.Unfinished: // names both stores, because the state has the old one
		return r.failure("Unable to finish the replacement of Key-Value Store",
			fmt.Sprintf("%s, whose data and attachments %s (%s) has already", f.Old, f.New.Name, f.New.ID), f.Err)
	case replacement.UndoFailed:
		return r.undoFailed(f)
	case replacement.StillAttached:
		return r.stillInUse(f.Store.String(), f.Attachments, f.Err)
	}
	panic(fmt.Sprintf("no text for a finding of type %T", finding)) // recoverPanic reports it as a bug
}

func failedStep(step replacement.Step) string {
	switch step {
	case replacement.StepReadSettings:
		return "Unable to read the settings of Key-Value Store"
	case replacement.StepReadApp:
		return "Unable to read the app of the Key-Value Store"
	case replacement.StepVerify:
		return "Unable to verify the copy of Key-Value Store"
	case replacement.StepDestroy:
		return "Unable to destroy Key-Value Store"
	case replacement.StepRelease:
		return "Unable to put the apps back"
	case replacement.StepDetach:
		return "Unable to detach"
	case replacement.StepRetire:
		return "Unable to retire Key-Value Store"
	}
	return "Unable to replace Key-Value Store"
}

func (r *instanceResource) halted(f replacement.Halted) diag.Diagnostic {
	const untouched = "\n\nNothing has moved: the store is as it was, and in use."
	failure := r.failure("Unable to replace Key-Value Store", f.Old.String(), f.Err)
	if r.nextStep(applyAgain, f.Err) != "" {
		return diag.NewErrorDiagnostic(failure.Summary(), failure.Detail()+untouched)
	}
	return diag.NewErrorDiagnostic(failure.Summary(), failure.Detail()+untouched+" The next apply continues.")
}

func (r *instanceResource) appsHeld(f replacement.AppsHeld) diag.Diagnostic {
	held := make([]string, len(f.Apps))
	for i, app := range f.Apps {
		held[i] = string(app)
	}
	return diag.NewWarningDiagnostic("The apps are still held", fmt.Sprintf(
		"%s\n\nSome attachments lead to the new store and some to the old one, and could not be moved back. "+
			"So that nothing is written to either, these apps stay in maintenance mode or scaled down, as `migration` says:\n%s\n\n"+
			"Remove the cause, then apply again: that moves the rest and puts the apps back. What an app was like before "+
			"is in its config var %s.",
		r.failure("", f.Old.String(), f.Err).Detail(), bullets(held), replacement.HoldVar))
}

// undoFailed reports a failed undo, and the state of the stores.
func (r *instanceResource) undoFailed(f replacement.UndoFailed) diag.Diagnostic {
	stands := "The state of the replacement could not be read, so nothing has been changed."
	if f.New != nil {
		stands = fmt.Sprintf("The store is as it was, and in use. The new one, %s (%s), may still be there, and no "+
			"app uses it.", f.New.Name, f.New.ID)
	}
	return diag.NewErrorDiagnostic("Unable to undo the replacement of Key-Value Store", fmt.Sprintf(
		"%s\n\n%s Remove the cause, then apply again to undo the replacement.", r.failure("", f.Old.String(), f.Err).Detail(), stands))
}

// successorWarning reports that a read found the store replaced by another one.
func (m instanceModel) successorWarning(by heroku.AddOn) diag.Diagnostic {
	was := "is gone"
	if !m.RetiredInstanceID.IsNull() {
		was = "is kept under another name"
	}
	return diag.NewWarningDiagnostic("The store was replaced by another one", fmt.Sprintf(
		"%s %s, and %s (%s) has its name and the attachment "+
			"%s: it replaced that store in a run that ended "+
			"before it could save its state. Nothing is left to "+
			"do.", m.label(), was, by.Name, by.ID, keyvalue.ForkAttachment(m.ID.ValueString())))
}

// retirementOverdue is a key of the private state. It is set if the retired store could not be destroyed as planned.
const retirementOverdue = "retirement_overdue"

// planRetirement plans and reports what happens to a store that an earlier replacement has kept.
func (r *instanceResource) planRetirement(ctx context.Context, state instanceModel, plan *instanceModel, overdue bool) diag.Diagnostics {
	var diags diag.Diagnostics
	kept := state.RetiredInstanceID.ValueString()
	if kept == "" || plan.RetiredInstanceID.IsUnknown() {
		return diags
	}
	if overdue || plan.terms(ctx).retires() == replacement.RetireAlways {
		if diags.Append(r.protected.refuseDestroyOf(storeObject(heroku.AddOnID(kept)),
			"The retired Key-Value Store "+kept)...); diags.HasError() {
			return diags
		}
		if r.client != nil {
			if doubt, err := r.replacements().WhyNotRetired(ctx, state.store(), kept); err == nil && doubt != "" {
				return append(diags, willNotBeDestroyed(state, kept, doubt))
			}
		}
		plan.RetiredInstanceID = types.StringNull()
		diags.AddAttributeWarning(path.Root("migration"), "The retired store will be destroyed",
			fmt.Sprintf("%s replaced the store %s, which was kept since. It is destroyed now, with all its keys.", state.label(), kept))
		return diags
	}
	diags.AddAttributeWarning(path.Root("retired_instance_id"), "A retired store is kept", fmt.Sprintf(
		"%s replaced the store %s, which is kept under another name: %s. When the new store is known to be complete, "+
			"set migration = { retire = \"always\" } to destroy it.",
		state.label(), kept, r.priceOf(ctx, heroku.AddOnID(kept))))
	return diags
}

func (r *instanceResource) priceOf(ctx context.Context, id heroku.AddOnID) string {
	if r.client != nil {
		if addOn, err := r.client.AddOn(ctx, id); err == nil {
			plan, _ := keyvalue.LookupPlan(keyvalue.PlanName(keyvalue.ShortPlanName(addOn.Plan)))
			return fmt.Sprintf("%s on the plan %s, %s", addOn.Name, keyvalue.ShortPlanName(addOn.Plan), paidFor(plan.MonthlyPriceCents))
		}
	}
	return "it is paid for"
}

// destroyRetired destroys the store that an earlier replacement has kept.
func (r *instanceResource) destroyRetired(ctx context.Context, keeper instanceModel, kept string, timeout time.Duration) diag.Diagnostics {
	doubt, err := r.replacements().WhyNotRetired(ctx, keeper.store(), kept)
	if err == nil && doubt != "" {
		return diag.Diagnostics{diag.NewErrorDiagnostic("The retired store was not destroyed", notDestroyed(keeper, kept, doubt))}
	}
	if err == nil {
		err = r.replacements().Destroy(ctx, heroku.AddOnID(kept), timeout)
	}
	if err != nil {
		return diag.Diagnostics{r.failure("Unable to retire Key-Value Store", "Key-Value Store "+kept, err)}
	}
	return nil
}

// willNotBeDestroyed warns that the kept store stays, while the rest of the change continues.
func willNotBeDestroyed(keeper instanceModel, kept, doubt string) diag.Diagnostic {
	return diag.NewAttributeWarningDiagnostic(path.Root("retired_instance_id"),
		"The retired store will not be destroyed", notDestroyed(keeper, kept, doubt))
}

func notDestroyed(keeper instanceModel, kept, doubt string) string {
	return fmt.Sprintf("According to the state, %s replaced the store %s, but that is not proven: "+
		"%s. It is kept as it is. "+
		"Look at it with `heroku addons:info %[2]s`; if nobody needs it, destroy it with `heroku addons:destroy %[2]s`.",
		keeper.label(), kept, doubt)
}

// secondStoreWarning warns that a destroy of this resource destroys two stores.
func (m instanceModel) secondStoreWarning() diag.Diagnostics {
	var diags diag.Diagnostics
	switch kept := m.RetiredInstanceID.ValueString(); {
	case kept != "":
		diags.AddWarning("Two stores will be destroyed", fmt.Sprintf(
			"%s replaced the store %s, which was kept since. Both are destroyed.", m.label(), kept))
	case m.State.ValueString() == instanceMigrating:
		diags.AddWarning("Two stores will be destroyed", fmt.Sprintf("%s is being replaced, and the replacement is "+
			"not finished. Both stores are destroyed, and the apps put back.", m.label()))
	}
	return diags
}

// destroySecondStore destroys the second store of a replacement: the kept one, or the new one of an unfinished replacement.
func (r *instanceResource) destroySecondStore(ctx context.Context, state instanceModel, timeout time.Duration) diag.Diagnostics {
	var diags diag.Diagnostics
	if kept := state.RetiredInstanceID.ValueString(); kept != "" {
		doubt, err := r.replacements().WhyNotRetired(ctx, state.store(), kept)
		switch {
		case err != nil:
		case doubt != "":
			diags.Append(willNotBeDestroyed(state, kept, doubt))
		default:
			err = r.replacements().Destroy(ctx, heroku.AddOnID(kept), timeout)
		}
		if err != nil {
			return diag.Diagnostics{r.failure("Unable to destroy Key-Value Store", "Key-Value Store "+kept, err)}
		}
	}
	if state.State.ValueString() == instanceMigrating {
		diags.Append(r.diagnosticsOf(r.replacements().DestroyUnfinished(ctx, r.replacementOf(ctx, state, &state, timeout)))...)
	}
	return diags
}

// The methods below ask the stores' servers to verify what a change relies on: that the data fits into a plan, or that a source
// can be copied. Their messages contain no part of a URL.

// probeStore probes the server of one of Heroku's stores. The error is a *probe.Unreachable if the server cannot be reached; any
// other error comes from the API or an interrupt.
func (c *connection) probeStore(ctx context.Context, id heroku.AddOnID) (probe.Report, error) {
	store, err := c.client.Store(ctx, id)
	if err != nil {
		return probe.Report{}, err
	}
	c.certificates.noteAddress(id, store.ResourceURL)
	return c.probeServer(ctx, store.ResourceURL, false)
}

// probeServer probes the server behind a URL, unless probe is "off". The rules for its host do not depend on who has named it.
// external marks the URL of a fork's source that a person has written: its password may be sent without TLS.
func (c *connection) probeServer(ctx context.Context, source heroku.Secret, external bool) (probe.Report, error) {
	if c.probing == probeOff {
		return probe.Report{}, &probe.Unreachable{Reason: replacement.ReasonNotAsked,
			Detail: `nothing is connected to, because probe = "off" is set in the provider block`}
	}
	if source == "" {
		return probe.Report{}, &probe.Unreachable{Reason: notReady, Detail: "it has no server yet"}
	}
	parsed, err := keyvalue.ParseURL(source.Reveal())
	if err != nil {
		return probe.Report{}, err
	}
	report, err := probe.Look(ctx, source.Reveal(), probe.Options{
		InsecureTLS: probe.SelfSigned(parsed.Host), Accept: c.certificates.accept(parsed), Cleartext: external,
	})
	return report, withCertificateHelp(err)
}

// proveRoom verifies, before a change to a smaller plan, that the store's data fits into it. If the plan is not in the published
// catalogue, only Heroku knows its limits.
func (c *connection) proveRoom(ctx context.Context, id heroku.AddOnID, label string, target keyvalue.PlanName,
	acceptUnproven bool) diag.Diagnostics {
	at := path.Root("plan")
	plan, published := keyvalue.LookupPlan(target)
	if !published {
		return nil
	}
	report, err := c.probeStore(ctx, id)
	why := whyUnproven(report, err)
	switch {
	case why != "":
		return unproven(at, "The store could not be verified to fit into the smaller plan", fmt.Sprintf(
			"%s: whether it has room in %s is not proven: %s.", label, plan.Summary(), why), acceptUnproven)
	case err != nil:
		return diag.Diagnostics{c.failure("Unable to ask Key-Value Store how much it holds", label, err)}
	}
	var diags diag.Diagnostics
	fit := keyvalue.Headroom(plan, keyvalue.Usage{
		UsedBytes: report.UsedMemory,
		Clients:   int(max(report.ConnectedClients-1, 0)), // not counting this probe
		Policy:    keyvalue.EvictionPolicy(report.EvictionPolicy),
		Keys:      replacement.Keyspace(report),
	})
	switch {
	case fit.Refused:
		diags.AddAttributeError(at, "The store does not fit into the smaller plan", fmt.Sprintf(
			"%s:\n%s\n\nNothing has been changed. Choose a larger plan, or remove keys and close connections first.",
			label, bullets(fit.Reasons)))
	case fit.Drops > 0:
		diags.AddAttributeWarning(at, "The smaller plan drops keys", fmt.Sprintf("%s:\n%s", label, bullets(fit.Reasons)))
	}
	return diags
}

// whyUnproven is a clause that explains why a probe proves nothing. It is empty if the probe succeeded, or failed for another
// reason than an unreachable server.
func whyUnproven(report probe.Report, err error) string {
	var unreachable *probe.Unreachable
	switch {
	case errors.As(err, &unreachable):
		return "the store is not reachable from here: " + unreachable.Detail
	case err == nil && report.UsedMemory == 0:
		return "its server does not say how much memory it uses"
	}
	return ""
}

// unproven is an error if something cannot be verified, or a warning if the configuration accepts that.
func unproven(at path.Path, summary, detail string, accepted bool) diag.Diagnostics {
	if accepted {
		return diag.Diagnostics{diag.NewAttributeWarningDiagnostic(at, summary, detail)}
	}
	return diag.Diagnostics{diag.NewAttributeErrorDiagnostic(at, summary, detail+
		"\n\nNothing has been changed. Apply from where it can be reached, or set migration = { accept_unproven = "+
		"true } to go on without proof.")}
}

// proveSource verifies, before a fork, that its source can be copied into a store on the target plan. Heroku can reach its own
// stores even if they cannot be reached from here, so nothing needs to be proven of them.
func (c *connection) proveSource(ctx context.Context, source heroku.Secret, at path.Path, external bool,
	target keyvalue.PlanName, acceptUnproven bool) diag.Diagnostics {
	if external {
		at = path.Empty() // Terraform would show the line where the URL is written
	}
	diags := refuseShieldFork(target, at)
	parsed, err := keyvalue.ParseURL(source.Reveal())
	if external && err != nil {
		diags.Append(invalidSourceURL(err))
	}
	if diags.HasError() {
		return diags
	}
	if external && !parsed.TLS {
		diags.AddAttributeWarning(at, "The data is copied without encryption",
			"The URL of the fork's source begins with redis://, so that its password and all keys travel in the "+
				"clear. Use rediss:// if the source speaks TLS, as all stores of Heroku's do.")
	}
	report, err := c.probeServer(ctx, source, external)
	why := whyUnproven(report, err)
	switch {
	case why != "" && !external:
		diags.Append(unproven(at, "The source of the fork could not be verified", "Whether the data of the source has "+
			"room in the new store is not proven: "+why+". Heroku itself reaches its stores.", true)...)
	case why != "":
		diags.Append(unproven(at, "The source of the fork could not be verified", "The source of the fork cannot "+
			"be checked: "+why+".", acceptUnproven)...)
	case err != nil:
		diags.Append(c.failure("Unable to ask the source of the fork", "The source of the fork, of which nothing has been copied yet", err))
	default:
		diags.Append(judgeSource(report, at, external, target)...)
	}
	return diags
}

// judgeSource checks the report of a fork's source. A fork copies everything, whatever the eviction policy, so everything has to
// fit.
func judgeSource(report probe.Report, at path.Path, external bool, target keyvalue.PlanName) diag.Diagnostics {
	var diags diag.Diagnostics
	if external && !report.CanFork {
		diags.AddAttributeError(at, "The source cannot be forked",
			"The server of the source does not let this user replicate from it (SYNC and PSYNC), which is how Heroku copies a store. "+
				"Give the user of the URL that permission (+psync +replconf +ping, in Redis), or copy the keys by other means.")
	}
	plan, published := keyvalue.LookupPlan(target)
	if !published {
		return diags
	}
	if fit := keyvalue.Headroom(plan, keyvalue.Usage{UsedBytes: report.UsedMemory}); fit.Refused {
		diags.AddAttributeError(at, "The source does not fit into the new store", fmt.Sprintf(
			"In the source %d bytes are used, and the plan %s has %d: %s. Choose a larger plan, or remove keys from the source first.",
			report.UsedMemory, plan.Name, plan.MemoryBytes(), plan.Summary()))
	}
	return diags
}
