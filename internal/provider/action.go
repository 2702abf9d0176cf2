// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/action/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/action/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// An action is invoked with its configuration and leaves nothing in the state. When it is interrupted, what it ends with is
// heard (see finishingServer), but nothing in between, and nothing at all after a crash: each one can be invoked again, and
// then goes on from what it finds at Heroku.

// invocation is one run of an action about one object: what it says of its steps, and the time it has.
type invocation struct {
	connection
	again   repetition // how its work is gone on with
	send    func(action.InvokeProgressEvent)
	object  string // begins each message: "orders-cache"
	steps   []string
	step    string
	started time.Time
	timeout time.Duration
}

const invokeTimeout = time.Hour

func (c *connection) invoke(resp *action.InvokeResponse, object string, steps ...string) *invocation {
	return &invocation{
		connection: *c, again: invoking, send: resp.SendProgress, object: object, steps: steps,
		started: c.client.Clock().Now(), timeout: invokeTimeout,
	}
}

// limit sets how long it may take.
func (i *invocation) limit(ctx context.Context, configured timeouts.Value) diag.Diagnostics {
	var diags diag.Diagnostics
	i.timeout, diags = configured.Invoke(ctx, invokeTimeout)
	return diags
}

func (i *invocation) elapsed() time.Duration {
	return i.client.Clock().Now().Sub(i.started).Round(time.Second)
}

// remaining is what is left for a wait.
func (i *invocation) remaining() time.Duration { return max(i.timeout-i.elapsed(), 0) }

// failure is like that of a resource, for work that is gone on with in its own way.
func (i *invocation) failure(summary, object string, err error) diag.Diagnostic {
	return i.failureOf(i.again, summary, object, err)
}

// begin says which step is next, once. Steps that are left out are not counted, so that the numbers follow each other.
func (i *invocation) begin(ctx context.Context, step string) {
	if step == i.step {
		return
	}
	if now, next := slices.Index(i.steps, i.step), slices.Index(i.steps, step); next > now {
		i.steps = slices.Delete(slices.Clone(i.steps), now+1, next)
	}
	i.step = step
	i.say(ctx, "")
}

// say tells how it stands. After an interrupt nobody listens, and sending would block for ever.
func (i *invocation) say(ctx context.Context, how string) {
	if ctx.Err() != nil {
		return
	}
	message := fmt.Sprintf("%s: step %d of %d, %s", i.object, slices.Index(i.steps, i.step)+1, len(i.steps), i.step)
	if how != "" {
		message += ": " + how
	}
	message += fmt.Sprintf(" (%s elapsed, at most %s remaining)", i.elapsed(), i.remaining())
	heard := make(chan struct{})
	go func() {
		defer close(heard)
		defer i.unsaid(ctx)
		i.send(action.InvokeProgressEvent{Message: message})
	}()
	select {
	case <-heard:
	case <-ctx.Done():
	}
}

// unsaid is deferred where a message is sent: a panic there, beside the method, would end the process, and apps that are
// kept still would stay so. What nobody hears stops no action.
func (i *invocation) unsaid(ctx context.Context) {
	if cause := recover(); cause != nil {
		tflog.Error(ctx, "A progress message was lost", map[string]any{"action_on": i.object, "error": panicText(cause), "at": callers()})
	}
}

// watching is for waits whose states are progress of the invocation, see logWait.
func (i *invocation) watching(ctx context.Context) context.Context {
	return context.WithValue(ctx, watched{}, i)
}

type watched struct{}

// accept reads the configuration of an action that is invoked, and reports whether it can be carried out.
func (c *connection) accept(ctx context.Context, req action.InvokeRequest, config any, diags *diag.Diagnostics) bool {
	var attributes map[string]tftypes.Value
	if err := req.Config.Raw.As(&attributes); err != nil {
		diags.AddError("Unreadable configuration of an action", err.Error())
		return false
	}
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		if !attributes[name].IsFullyKnown() {
			diags.AddAttributeError(path.Root(name), "The action needs a value that is not known yet", fmt.Sprintf(
				"Nothing was done: %s is known only after apply. Invoke the action after what it refers to has been applied.", name))
		}
	}
	diags.Append(req.Config.Get(ctx, config)...)
	return !diags.HasError() && c.ready(diags)
}

// ofStore finds the store that an action is about, which has to be one that can be worked on.
func (c *connection) ofStore(ctx context.Context, id types.String) (heroku.AddOn, diag.Diagnostics) {
	addOn, refusal, err := c.judgeStore(ctx, id)
	if err != nil {
		return addOn, diag.Diagnostics{c.failureOf(invoking, "Unable to read Key-Value Store",
			"Nothing was done with Key-Value Store "+id.ValueString(), err)}
	}
	return addOn, refusal
}

// judgeStore is ofStore with an error of its own for what could not be found out.
func (c *connection) judgeStore(ctx context.Context, id types.String) (heroku.AddOn, diag.Diagnostics, error) {
	at := path.Root("instance_id")
	addOn, err := c.client.FindAddOn(ctx, id.ValueString())
	switch {
	case heroku.IsNotFound(err):
		return addOn, diag.Diagnostics{diag.NewAttributeErrorDiagnostic(at, "Key-Value Store not found",
			c.failureOf(invoking, "", "Nothing was done with Key-Value Store "+id.ValueString(), err).Detail())}, nil
	case err != nil:
		return addOn, nil, err
	case addOn.Service != keyvalue.Service:
		return addOn, diag.Diagnostics{diag.NewAttributeErrorDiagnostic(at, "Not a Key-Value Store", fmt.Sprintf(
			"The add-on %s (%s) belongs to the service %s; a Key-Value Store is an add-on of %s. Nothing was done.",
			addOn.Name, addOn.ID, addOn.Service, keyvalue.Service))}, nil
	case addOn.State != heroku.StateProvisioned:
		return addOn, diag.Diagnostics{diag.NewAttributeErrorDiagnostic(at, "Key-Value Store is not ready", fmt.Sprintf(
			"The store %s (%s) on app %s is %s. Nothing was done; invoke the action again when it is provisioned.",
			addOn.Name, addOn.ID, addOn.AppName, addOn.State))}, nil
	}
	return addOn, nil, nil
}

// storeLabel names a store in a diagnostic.
func storeLabel(addOn heroku.AddOn) string {
	return fmt.Sprintf("Key-Value Store %s (%s)", addOn.Name, addOn.ID)
}

func actionInstanceID() schema.StringAttribute {
	return schema.StringAttribute{
		MarkdownDescription: "UUID of the store, such as `kvs_instance.cache.id`.",
		Required:            true,
		Validators:          []validator.String{uuidValidator()},
	}
}

func actionTimeouts(ctx context.Context) schema.Attribute {
	attribute := timeouts.AttributesWithOpts(ctx, timeouts.Opts{
		InvokeDescription: "How long the action may wait, such as `90m`; `1h` when absent. What it has begun goes on at Heroku after that.",
	})
	if nested, ok := attribute.(schema.SingleNestedAttribute); ok {
		nested.MarkdownDescription = "How long to wait for what takes time."
		if limit, ok := nested.Attributes["invoke"].(schema.StringAttribute); ok {
			limit.Validators = []validator.String{durationValidator()}
			nested.Attributes["invoke"] = limit
		}
		return nested
	}
	return attribute
}
