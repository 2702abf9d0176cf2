// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// This file has the attachments that kvs_instance manages: the first one on the store's own app, those that a replacement has
// carried over, and those that prevent the store's destruction. kvs_attachment manages all others.

// attachAs renames the store's first attachment. It attaches the new name before it detaches the old one, so that the app always
// has the store's URL.
func (r *instanceResource) attachAs(ctx context.Context, addOn heroku.AddOn, name types.String) (heroku.AddOn, error) {
	names := keyvalue.AttachmentNames(addOn.ConfigVars)
	if name.IsNull() || name.IsUnknown() || slices.Contains(names, name.ValueString()) {
		return addOn, nil
	}
	former := keyvalue.FirstAttachment(names)
	if _, err := r.client.CreateAttachment(ctx, heroku.AttachmentCreate{AddOn: addOn.ID, App: addOn.AppID,
		Name: name.ValueString()}); err != nil {
		return addOn, err
	}
	if former != "" {
		if err := r.replacements().Detach(ctx, addOn.AppID, former, addOn.ID); err != nil {
			return addOn, err
		}
	}
	return r.client.AddOn(ctx, addOn.ID)
}

// handOver moves the attachment REDIS of a store that is to be destroyed to the store that this run has created on the same app,
// such as its successor with create_before_destroy. Heroku gave that one another name, because REDIS was in use. The app always
// has REDIS_URL this way.
func (r *instanceResource) handOver(ctx context.Context, m instanceModel) diag.Diagnostics {
	app, successor := heroku.AppID(m.AppID.ValueString()), heroku.AddOnID(r.run.soleUnnamedStore(m.AppID.ValueString()))
	if successor == "" || successor == m.addOnID() {
		return nil
	}
	attachments, err := r.client.AppAttachments(ctx, app)
	holder := heroku.AttachmentNamed(attachments, keyvalue.PrimaryAttachment)
	if err == nil && holder != nil && holder.AddOnID == m.addOnID() {
		if err = r.keepReachable(ctx, *holder); err == nil {
			_, err = r.client.CreateAttachment(ctx, heroku.AttachmentCreate{AddOn: successor, App: app, Name: holder.Name,
				Confirm: holder.AppName})
		}
	}
	if err != nil && !heroku.IsNotFound(err) {
		return diag.Diagnostics{r.failure("Unable to destroy Key-Value Store", fmt.Sprintf(
			"%s, whose attachment REDIS was to go to the new store %s before", m.label(), successor), err)}
	}
	return nil
}

// stillInUse reports the apps to which somebody has attached the store outside of this configuration.
func (r *instanceResource) stillInUse(label string, attached []heroku.Attachment, refusal error) diag.Diagnostic {
	lines := make([]string, len(attached))
	for i, attachment := range attached {
		lines[i] = fmt.Sprintf("app %s, as %s", attachment.AppName, attachment.Name)
	}
	return diag.NewErrorDiagnostic("The store is attached to other apps", fmt.Sprintf(
		"%s\n\nThese would lose their config var:\n%s\n\nDetach it there first (`heroku addons:detach NAME -a APP`), "+
			"or manage these attachments with kvs_attachment, which are destroyed before their store. "+
			"If the store is replaced (-replace, a taint, replace_triggered_by), let its lifecycle have "+
			"create_before_destroy = true: each kvs_attachment is then re-pointed before the old store goes. "+
			"If only the address of the store has changed, write a moved block. "+
			"If this run re-points attachments from it to another store, apply these first, with -target, and then the rest.",
		r.failure("", label, refusal).Detail(), bullets(lines)))
}

// nameIsFree checks, before a replacement, that the wanted attachment name on another app does not belong to another add-on.
func (c *connection) nameIsFree(ctx context.Context, app heroku.AppID, name types.String, store heroku.AddOnID) diag.Diagnostics {
	if !known(name) {
		return nil
	}
	attachments, err := c.client.AppAttachments(ctx, app)
	if err != nil {
		return diag.Diagnostics{diag.NewErrorDiagnostic("Unable to read the attachments of the app", fmt.Sprintf(
			"%s\n\nThe store %s is to be attached to that app as %s, and whether that name is free there is not "+
				"known. Nothing has been changed.",
			c.failure("", fmt.Sprintf("App %s", app), err).Detail(), store, name.ValueString()))}
	}
	holder := heroku.AttachmentNamed(attachments, name.ValueString())
	if holder == nil || holder.AddOnID == store {
		return nil
	}
	return diag.Diagnostics{diag.NewAttributeErrorDiagnostic(path.Root("attachment_name"), "The attachment name is in use", fmt.Sprintf(
		"On app %s the name %s belongs to the add-on %s (%s), which would lose it to the new store. "+
			"Choose another attachment_name, or attach that add-on under another name first and detach %[2]s.",
		holder.AppName, holder.Name, holder.AddOnName, holder.AddOnID))}
}

// attachmentsCarried is a key of the private state. Its value is a JSON list of the ids of the apps that owned the predecessors
// of a store. Replacements created the attachments to these apps, and they are destroyed together with the store.
const attachmentsCarried = "attachments_carried"

// addCarriedApp adds the app that owned the store before a replacement.
func addCarriedApp(before []byte, state, now instanceModel) []byte {
	apps := carriedApps(before)
	if former := heroku.AppID(state.AppID.ValueString()); !state.AppID.Equal(now.AppID) && !slices.Contains(apps, former) {
		apps = append(apps, former)
	}
	after, _ := json.Marshal(apps) // strings can always be encoded
	return after
}

func carriedApps(private []byte) (apps []heroku.AppID) {
	_ = json.Unmarshal(private, &apps) // this provider writes no invalid value
	return apps
}

// foreignAttachments are the attachments that no replacement of this resource has created.
func foreignAttachments(attached []heroku.Attachment, private []byte) []heroku.Attachment {
	apps := carriedApps(private)
	return slices.DeleteFunc(slices.Clone(attached), func(a heroku.Attachment) bool { return slices.Contains(apps, a.AppID) })
}

func (r *instanceResource) detachAndDelete(ctx context.Context, m instanceModel, attached []heroku.Attachment) error {
	for _, attachment := range attached {
		if err := r.client.DeleteAttachment(ctx, attachment.ID); err != nil {
			return err
		}
	}
	return r.client.DeleteAddOn(ctx, heroku.AppID(m.AppID.ValueString()), m.addOnID())
}

// The first attachment of a store sets a config var of its app. In two cases Heroku overwrites a config var that was set by
// hand: if the attachment has no name and becomes REDIS, and if the request has a confirmation, even one for something else
// (Platform API reference, attachments, names and config vars). The value would be lost, so neither request is sent here.

// varNames caches the names of the config vars of apps on which stores are planned.
type varNames struct {
	mu   sync.Mutex
	apps map[heroku.AppID]func() ([]string, error)
}

// maxAppsRead limits how many apps' config var names a plan reads. For further apps, Heroku refuses a name that is in use when
// the store is ordered or attached.
const maxAppsRead = 20

// of reads the names once for each app. read is false beyond maxAppsRead, and after an error.
func (v *varNames) of(ctx context.Context, client *heroku.Client, app heroku.AppID) (names []string, read bool) {
	v.mu.Lock()
	once := v.apps[app]
	if once == nil && len(v.apps) < maxAppsRead {
		if v.apps == nil {
			v.apps = make(map[heroku.AppID]func() ([]string, error))
		}
		once = sync.OnceValues(func() ([]string, error) { return client.ConfigVarNames(ctx, app) })
		v.apps[app] = once
	}
	v.mu.Unlock()
	if once == nil {
		return nil, false
	}
	names, err := once()
	return names, err == nil
}

// planAttachment refuses, at plan time, a first attachment that would overwrite a config var or whose name is in use.
func (r *instanceResource) planAttachment(ctx context.Context, plan, config instanceModel) diag.Diagnostics {
	if r.client == nil || plan.AppID.IsUnknown() || config.AttachmentName.IsUnknown() {
		return nil
	}
	app := heroku.AppID(plan.AppID.ValueString())
	diags := r.warnOfUnnamedPrimary(app, config)
	name := cmp.Or(config.AttachmentName.ValueString(), keyvalue.PrimaryAttachment)
	if config.AttachmentName.IsNull() {
		diags.Append(r.refuseVarByHand(ctx, app, name, path.Root("attachment_name"))...)
	} else {
		diags.Append(r.refuseVarInUse(ctx, app, name, path.Root("attachment_name"), "")...)
	}
	return diags
}

// refuseVarByHand refuses an attachment whose config var was set by hand.
func (c *connection) refuseVarByHand(ctx context.Context, app heroku.AppID, name string, at path.Path) diag.Diagnostics {
	names, read := c.varNames.of(ctx, c.client, app)
	if !read || !slices.Contains(names, keyvalue.ConfigVar(name)) {
		return nil
	}
	if taken, err := c.setByHand(ctx, app, name); err == nil && taken {
		return diag.Diagnostics{wouldOverwrite(app, name, at)}
	}
	return nil
}

// refuseVarInUse also refuses a name that an attachment of a store other than `of` has. An attachment in the state of this
// configuration is accepted, because the same plan may give it up.
func (c *connection) refuseVarInUse(ctx context.Context, app heroku.AppID, name string, at path.Path, of heroku.AddOnID) diag.Diagnostics {
	names, read := c.varNames.of(ctx, c.client, app)
	if !read || !slices.Contains(names, keyvalue.ConfigVar(name)) {
		return nil
	}
	attachments, err := c.client.AttachmentsOn(ctx, app)
	holder := heroku.AttachmentNamed(attachments, name)
	switch {
	case err != nil:
		return nil
	case holder == nil:
		return c.refuseVarByHand(ctx, app, name, at)
	case holder.AddOnID == of || c.run.awaitInState(ctx, storeObject(holder.AddOnID), knowWithin) ||
		c.run.isInState(object{"kvs_attachment", string(holder.ID)}):
		return nil
	}
	return diag.Diagnostics{heldByAnother(*holder, at)}
}

// heldByAnother refuses the attachment name of a store that is not in the state of this configuration.
func heldByAnother(holder heroku.Attachment, at path.Path) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(at, "The attachment name is in use", fmt.Sprintf(
		"On app %s the name %s belongs to the add-on %s (%s), which would lose it. "+
			"Choose another name, or attach that add-on under another name first and detach this one. "+
			"With create_before_destroy a store cannot have an attachment_name, since its predecessor has it: leave "+
			"it out, or name the attachment with a kvs_attachment.\n\n"+
			"If it is a store of this configuration whose address has changed, say so with a moved block:\n\n%s\n\n"+
			"If it is a store that this configuration is to manage, import it:\n\n%s",
		holder.AppName, holder.Name, holder.AddOnName, holder.AddOnID, movedBlock("kvs_instance"),
		importBlock("kvs_instance", string(holder.AddOnID))))
}

// warnOfUnnamedPrimary warns if several stores of an app have no attachment name: the first one to be ordered becomes REDIS.
func (r *instanceResource) warnOfUnnamedPrimary(app heroku.AppID, config instanceModel) diag.Diagnostics {
	if !config.AttachmentName.IsNull() || r.run.countUnnamed(string(app)) != 2 || r.run.isInState(primaryOf(app)) {
		return nil
	}
	return diag.Diagnostics{diag.NewAttributeWarningDiagnostic(path.Root("attachment_name"),
		"Chance decides which store becomes the primary one", fmt.Sprintf(
			"Several stores are to be created on the app %s without attachment_name. The one that is ordered first "+
				"becomes REDIS, unless the app has that attachment already, "+
				"and the others get names with a colour. Give one of them attachment_name = \"REDIS\", and the others "+
				"names of their own.", app))}
}

// primaryOf is the key of an app's primary attachment in a run.
func primaryOf(app heroku.AppID) object { return object{"primary attachment", string(app)} }

// setByHand reports whether an app has the config var of an attachment name although no attachment sets it. It reads the names
// before and after the attachments, so that an attachment that comes or goes meanwhile is not mistaken for a manual value.
func (c *connection) setByHand(ctx context.Context, app heroku.AppID, name string) (bool, error) {
	for range 2 {
		names, err := c.client.ConfigVarNames(ctx, app)
		if err != nil || !slices.Contains(names, keyvalue.ConfigVar(name)) {
			return false, err
		}
		attachments, err := c.client.AppAttachments(ctx, app)
		if err != nil || heroku.AttachmentNamed(attachments, name) != nil {
			return false, err
		}
	}
	return true, nil
}

func wouldOverwrite(app heroku.AppID, name string, at path.Path) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(at, "The attachment would overwrite a config var", fmt.Sprintf(
		"The app %s has the config var %s already, which no attachment has set: somebody has set it by hand or with "+
			"another tool, and its value would be lost. "+
			"Choose another %s, or keep the value elsewhere and remove the config var first.", app, keyvalue.ConfigVar(name), at))
}

// refuseOverwrite checks the config var once more before an order with a confirmation, because the confirmation for the network
// also confirms overwriting a config var.
func (r *instanceResource) refuseOverwrite(ctx context.Context, m instanceModel, app heroku.App) diag.Diagnostics {
	if m.consent(app) == "" {
		return nil
	}
	name := cmp.Or(m.AttachmentName.ValueString(), keyvalue.PrimaryAttachment)
	names, err := r.client.ConfigVarNames(ctx, app.ID)
	if err == nil && slices.Contains(names, keyvalue.ConfigVar(name)) {
		var attachments []heroku.Attachment
		attachments, err = r.client.AppAttachments(ctx, app.ID)
		if err == nil && (heroku.AttachmentNamed(attachments, name) == nil || m.AttachmentName.ValueString() != "") {
			return diag.Diagnostics{wouldOverwrite(app.ID, name, path.Root("attachment_name"))}
		}
	}
	if err != nil {
		return diag.Diagnostics{r.failure("Unable to read the names of the app's config vars", fmt.Sprintf("App %q", app.Name), err)}
	}
	return nil
}

// orderAttached orders a store. Without a name its attachment is ordered as REDIS: Heroku would choose that name too, but asks
// before it overwrites a config var only if the name is given. If the app has REDIS already, Heroku chooses the name.
func (r *instanceResource) orderAttached(ctx context.Context, app heroku.App, order heroku.AddOnCreate) (heroku.AddOn, error) {
	if order.AttachmentName != "" || order.Confirm != "" {
		return r.client.CreateAddOn(ctx, app.ID, order)
	}
	defer r.orders.Lock([]heroku.AppID{app.ID})() // Heroku accepts only one order at a time for an app
	if r.run.isInState(primaryOf(app.ID)) {
		return r.client.CreateAddOn(ctx, app.ID, order)
	}
	primary := order
	primary.AttachmentName = keyvalue.PrimaryAttachment
	addOn, err := r.client.CreateAddOn(ctx, app.ID, primary)
	if err == nil {
		r.run.noteInState(primaryOf(app.ID))
	}
	if !heroku.HasID(err, "confirmation_required") {
		return addOn, err
	}
	attachments, listErr := r.client.AppAttachments(ctx, app.ID)
	switch {
	case listErr != nil:
		return addOn, fmt.Errorf("%w; whether the app has an attachment %s is not known: %w", err, keyvalue.PrimaryAttachment, listErr)
	case heroku.AttachmentNamed(attachments, keyvalue.PrimaryAttachment) == nil:
		return addOn, err
	}
	r.run.noteInState(primaryOf(app.ID))
	return r.client.CreateAddOn(ctx, app.ID, order)
}
