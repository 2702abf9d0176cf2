// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// The attachments of a store that are its own affair: the first one on its own app, those that a replacement has carried over,
// and those that keep it from being destroyed. All others are kvs_attachment's.

// attachAs gives the store its first attachment's name: the new name is attached before the old one is dropped, so
// that the app is never without the store's URL.
func (r *instanceResource) attachAs(ctx context.Context, addOn heroku.AddOn, name types.String) (heroku.AddOn, error) {
	names := keyvalue.AttachmentNames(addOn.ConfigVars)
	if name.IsNull() || name.IsUnknown() || slices.Contains(names, name.ValueString()) {
		return addOn, nil
	}
	former := keyvalue.FirstAttachment(names)
	if _, err := r.client.CreateAttachment(ctx, heroku.AttachmentCreate{AddOn: addOn.ID, App: addOn.AppID, Name: name.ValueString()}); err != nil {
		return addOn, err
	}
	if former != "" {
		if err := r.replacements().Detach(ctx, addOn.AppID, former, addOn.ID); err != nil {
			return addOn, err
		}
	}
	return r.client.AddOn(ctx, addOn.ID)
}

// handOver gives the primary attachment of a store that is destroyed to the one that this run has made on the same app,
// such as its successor with create_before_destroy: Heroku chose another name for that one, since this one was taken. The app
// is never without REDIS_URL then.
func (r *instanceResource) handOver(ctx context.Context, m instanceModel) diag.Diagnostics {
	app, heir := heroku.AppID(m.AppID.ValueString()), heroku.AddOnID(r.run.heir(m.AppID.ValueString()))
	if heir == "" || heir == m.addOnID() {
		return nil
	}
	attachments, err := r.client.AppAttachments(ctx, app)
	holder := heroku.AttachmentNamed(attachments, keyvalue.PrimaryAttachment)
	if err == nil && holder != nil && holder.AddOnID == m.addOnID() {
		if err = r.keepReachable(ctx, *holder); err == nil {
			_, err = r.client.CreateAttachment(ctx, heroku.AttachmentCreate{AddOn: heir, App: app, Name: holder.Name, Confirm: holder.AppName})
		}
	}
	if err != nil && !heroku.IsNotFound(err) {
		return diag.Diagnostics{r.failure("Unable to destroy Key-Value Store", fmt.Sprintf(
			"%s, whose attachment REDIS was to go to the new store %s before", m.label(), heir), err)}
	}
	return nil
}

// stillInUse names the apps that somebody has attached to the store outside of this configuration.
func (r *instanceResource) stillInUse(label string, attached []heroku.Attachment, refusal error) diag.Diagnostic {
	lines := make([]string, len(attached))
	for i, attachment := range attached {
		lines[i] = fmt.Sprintf("app %s, as %s", attachment.AppName, attachment.Name)
	}
	return diag.NewErrorDiagnostic("The store is attached to other apps", fmt.Sprintf(
		"%s\n\nThese would lose their config var:\n%s\n\nDetach it there first (`heroku addons:detach NAME -a APP`), or manage these attachments with kvs_attachment, which are destroyed before their store. "+
			"If the store is replaced (-replace, a taint, replace_triggered_by), let its lifecycle have create_before_destroy = true: each kvs_attachment is then re-pointed before the old store goes. "+
			"If only the address of the store has changed, write a moved block. "+
			"If this run re-points attachments from it to another store, apply these first, with -target, and then the rest.",
		r.failure("", label, refusal).Detail(), bullets(lines)))
}

// nameIsFree looks before a replacement whether the attachment that is wanted on another app belongs to somebody else.
func (c *connection) nameIsFree(ctx context.Context, app heroku.AppID, name types.String, store heroku.AddOnID) diag.Diagnostics {
	if !known(name) {
		return nil
	}
	attachments, err := c.client.AppAttachments(ctx, app)
	if err != nil {
		return diag.Diagnostics{diag.NewErrorDiagnostic("Unable to read the attachments of the app", fmt.Sprintf(
			"%s\n\nThe store %s is to be attached to that app as %s, and whether that name is free there is not known. Nothing has been changed.",
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

// attachmentsCarried, in the private state, are the apps that owned the predecessors of a store, as a JSON list of ids:
// their attachments to it were made by replacements, and go with it.
const attachmentsCarried = "attachments_carried"

// carriedFrom adds the app that a replacement took the store away from.
func carriedFrom(before []byte, state, now instanceModel) []byte {
	apps := carriedApps(before)
	if former := heroku.AppID(state.AppID.ValueString()); !state.AppID.Equal(now.AppID) && !slices.Contains(apps, former) {
		apps = append(apps, former)
	}
	after, _ := json.Marshal(apps) // strings can always be written
	return after
}

func carriedApps(private []byte) (apps []heroku.AppID) {
	_ = json.Unmarshal(private, &apps) // what cannot be read was written by nobody
	return apps
}

// notCarried are the attachments that nobody here has made.
func notCarried(attached []heroku.Attachment, private []byte) []heroku.Attachment {
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
