// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/probe"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/replacement"
)

// What a change relies on is shown by the stores themselves, as far as they can be reached from here: that data has room in a
// plan, that a source can be copied. No part of a URL is in what is said of it.

// look asks the server of one of Heroku's stores. An *probe.Unreachable says why it cannot be asked; any other error is
// the API's, or an interrupt.
func (c *connection) look(ctx context.Context, id heroku.AddOnID) (probe.Report, error) {
	store, err := c.client.Store(ctx, id)
	if err != nil {
		return probe.Report{}, err
	}
	c.certificates.belongs(id, store.ResourceURL)
	return c.lookAt(ctx, store.ResourceURL, false)
}

// lookAt asks the server behind a URL, unless nothing is to be connected to. Its host is judged in the same way whoever has
// named it. To an external source, whose URL a person has written, the password may go without TLS.
func (c *connection) lookAt(ctx context.Context, source heroku.Secret, external bool) (probe.Report, error) {
	if c.probing == probeOff {
		return probe.Report{}, &probe.Unreachable{Reason: replacement.ReasonNotAsked, Detail: `nothing is connected to, because probe = "off" is set in the provider block`}
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
	return report, withWayOut(err)
}

// proveRoom shows before a change to a smaller plan that what the store holds has room there. Of a plan that is not
// published Heroku alone knows the limits.
func (c *connection) proveRoom(ctx context.Context, id heroku.AddOnID, label string, target keyvalue.PlanName, acceptUnproven bool) diag.Diagnostics {
	at := path.Root("plan")
	plan, published := keyvalue.LookupPlan(target)
	if !published {
		return nil
	}
	report, err := c.look(ctx, id)
	why := missing(report, err)
	switch {
	case why != "":
		return unproven(at, "It is not proven that the store fits into the smaller plan", fmt.Sprintf(
			"%s: whether it has room in %s is not proven: %s.", label, plan.Summary(), why), acceptUnproven)
	case err != nil:
		return diag.Diagnostics{c.failure("Unable to ask Key-Value Store how much it holds", label, err)}
	}
	var diags diag.Diagnostics
	fit := keyvalue.Headroom(plan, keyvalue.Usage{
		UsedBytes: report.UsedMemory,
		Clients:   int(max(report.ConnectedClients-1, 0)), // this look was one of them
		Policy:    keyvalue.EvictionPolicy(report.EvictionPolicy),
		Keys:      replacement.Keyspace(report),
	})
	switch {
	case fit.Refused:
		diags.AddAttributeError(at, "The store does not fit into the smaller plan", fmt.Sprintf(
			"%s:\n%s\n\nNothing has been changed. Choose a larger plan, or remove keys and close connections first.", label, bullets(fit.Reasons)))
	case fit.Drops > 0:
		diags.AddAttributeWarning(at, "The smaller plan drops keys", fmt.Sprintf("%s:\n%s", label, bullets(fit.Reasons)))
	}
	return diags
}

// missing is half a sentence about why a look decides nothing; empty when it does, or when it failed otherwise.
func missing(report probe.Report, err error) string {
	var away *probe.Unreachable
	switch {
	case errors.As(err, &away):
		return "the store is not reachable from here: " + away.Detail
	case err == nil && report.UsedMemory == 0:
		return "its server does not say how much memory it uses"
	}
	return ""
}

// unproven stops what nobody can check, unless the configuration takes that upon itself.
func unproven(at path.Path, summary, detail string, accepted bool) diag.Diagnostics {
	if accepted {
		return diag.Diagnostics{diag.NewAttributeWarningDiagnostic(at, summary, detail)}
	}
	return diag.Diagnostics{diag.NewAttributeErrorDiagnostic(at, summary, detail+
		"\n\nNothing has been changed. Apply from where it can be reached, or set migration = { accept_unproven = true } to go on without proof.")}
}

// proveSource shows before a fork that its source can be copied into a store on the target plan. Heroku reaches its own
// stores also where they cannot be reached from here, so that of these nothing needs to be proven.
func (c *connection) proveSource(ctx context.Context, source heroku.Secret, at path.Path, external bool, target keyvalue.PlanName, acceptUnproven bool) diag.Diagnostics {
	if external {
		at = path.Empty() // Terraform would show the line where the URL is written
	}
	diags := refuseShieldFork(target, at)
	parsed, err := keyvalue.ParseURL(source.Reveal())
	if external && err != nil {
		diags.Append(noSourceURL(err))
	}
	if diags.HasError() {
		return diags
	}
	if external && !parsed.TLS {
		diags.AddAttributeWarning(at, "The data is copied without encryption",
			"The URL of the fork's source begins with redis://, so that its password and all keys travel in the clear. Use rediss:// if the source speaks TLS, as all stores of Heroku's do.")
	}
	report, err := c.lookAt(ctx, source, external)
	why := missing(report, err)
	switch {
	case why != "" && !external:
		diags.Append(unproven(at, "It is not proven that the source can be forked", "Whether the data of the source has room in the new store is not proven: "+why+". Heroku itself reaches its stores.", true)...)
	case why != "":
		diags.Append(unproven(at, "It is not proven that the source can be forked", "The source of the fork cannot be checked: "+why+".", acceptUnproven)...)
	case err != nil:
		diags.Append(c.failure("Unable to ask the source of the fork", "The source of the fork, of which nothing has been copied yet", err))
	default:
		diags.Append(judgeSource(report, at, external, target)...)
	}
	return diags
}

// judgeSource: a fork copies everything, whatever the eviction policy, so that everything has to have room.
func judgeSource(report probe.Report, at path.Path, external bool, target keyvalue.PlanName) diag.Diagnostics {
	var diags diag.Diagnostics
	if external && !report.CanFork {
		diags.AddAttributeError(at, "The source cannot be forked",
			"The server of the source lets this user not replicate from it (SYNC and PSYNC), which is how Heroku copies a store. "+
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
