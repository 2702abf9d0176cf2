// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// The attachments of a store that are its own affair: the first one on its own app, those that a replacement carries over,
// and those that keep it from being destroyed. All others are kvs_attachment's.

// attachAs gives the store its first attachment's name: the new name is attached before the old one is dropped, so
// that the app is never without the store's URL.
func (r *instanceResource) attachAs(ctx context.Context, addOn heroku.AddOn, name types.String) (heroku.AddOn, error) {
	names := keyvalue.AttachmentNames(addOn.ConfigVars)
	if name.IsNull() || name.IsUnknown() || slices.Contains(names, name.ValueString()) {
		return addOn, nil
	}
	former := firstAttachment(names)
	if _, err := r.client.CreateAttachment(ctx, heroku.AttachmentCreate{AddOn: addOn.ID, App: addOn.AppID, Name: name.ValueString()}); err != nil {
		return addOn, err
	}
	if former != "" {
		if err := r.detachFrom(ctx, addOn.AppID, former, addOn.ID); err != nil {
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
	holder := withName(attachments, keyvalue.PrimaryAttachment)
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

// attachedElsewhere are the attachments to other apps, because of which Heroku refuses to destroy a store (Platform API
// reference, add-ons, delete).
func (r *instanceResource) attachedElsewhere(ctx context.Context, m instanceModel) ([]heroku.Attachment, error) {
	attachments, err := r.client.AddOnAttachments(ctx, m.addOnID())
	return slices.DeleteFunc(attachments, func(a heroku.Attachment) bool { return a.AppID == a.OwnerAppID }), err
}

// stillInUse names the apps that somebody has attached to the store outside of this configuration.
func (r *instanceResource) stillInUse(m instanceModel, attached []heroku.Attachment, refusal error) diag.Diagnostic {
	lines := make([]string, len(attached))
	for i, attachment := range attached {
		lines[i] = fmt.Sprintf("app %s, as %s", attachment.AppName, attachment.Name)
	}
	return diag.NewErrorDiagnostic("The store is attached to other apps", fmt.Sprintf(
		"%s\n\nThese would lose their config var:\n%s\n\nDetach it there first (`heroku addons:detach NAME -a APP`), or manage these attachments with kvs_attachment, which are destroyed before their store. "+
			"If the store is replaced (-replace, a taint, replace_triggered_by), let its lifecycle have create_before_destroy = true: each kvs_attachment is then re-pointed before the old store goes.",
		r.failure("", m.label(), refusal).Detail(), bullets(lines)))
}

// moveAttachments re-points them under their own names, in one request each, so that no app is without its variable.
func (m *replacement) moveAttachments(ctx context.Context) error {
	attachments, err := m.client.AddOnAttachments(ctx, m.old.ID)
	for _, attachment := range attachments {
		if err == nil && !markOf(m.old.ID, attachment.Name) {
			m.carry(attachment)
			err = m.point(ctx, attachment, m.fresh.ID)
		}
	}
	return err
}

// point re-points one attachment; confirming is consent to replace just this one.
func (m *replacement) point(ctx context.Context, attachment heroku.Attachment, to heroku.AddOnID) error {
	err := m.keepLease(ctx)
	if err == nil {
		_, err = m.client.CreateAttachment(ctx, heroku.AttachmentCreate{AddOn: to, App: attachment.AppID, Name: attachment.Name, Confirm: attachment.AppName})
	}
	return err
}

// attachOwner gives the app that owns the new store an attachment to use, beside the first one, which stays as the proof
// of succession: under the name that the
// configuration says, or the one that the store had on its former app.
func (m *replacement) attachOwner(ctx context.Context) error {
	if err := m.keepLease(ctx); err != nil {
		return err
	}
	attachments, err := m.client.AppAttachments(ctx, m.fresh.AppID)
	if err != nil {
		return err
	}
	wanted := firstOf(m.want.AttachmentName.ValueString(), firstAttachment(m.names))
	ours := func(a heroku.Attachment) bool { return a.AddOnID == m.fresh.ID && a.Name != m.stopgap() }
	holder := withName(attachments, wanted)
	if holder != nil && holder.AddOnID != m.fresh.ID {
		wanted = "" // Heroku chooses; a name that the configuration asks for was free before
	}
	if wanted != "" && holder == nil || !slices.ContainsFunc(attachments, ours) {
		if _, err := m.client.CreateAttachment(ctx, heroku.AttachmentCreate{AddOn: m.fresh.ID, App: m.fresh.AppID, Name: wanted}); err != nil {
			return err
		}
	}
	return nil
}

// arrived reports whether the new store is whole and has all that the old one had, and the old one nothing any more. It is
// asked immediately before the old one is given up: what has been attached to that one meanwhile is carried over as well.
func (m *replacement) arrived(ctx context.Context) error {
	const rounds = 3
	for range rounds {
		if err := m.moveAttachments(ctx); err != nil {
			return err
		}
		if err := m.isWhole(ctx); err != nil {
			return err
		}
		left, err := m.client.AddOnAttachments(ctx, m.old.ID)
		if err != nil {
			return err
		}
		if other := m.leaseOfOthers(left); other != nil {
			return leasedError{*other}
		}
		if !slices.ContainsFunc(left, func(a heroku.Attachment) bool { return !markOf(m.old.ID, a.Name) }) {
			return nil
		}
	}
	return errors.New("somebody goes on attaching apps to the old store")
}

// isWhole looks at the new store once more.
func (m *replacement) isWhole(ctx context.Context) error {
	fresh, err := m.client.FindAddOn(ctx, string(m.fresh.ID))
	if err != nil {
		return fmt.Errorf("looking at the new store before the old one is given up: %w", err)
	}
	if fresh.State != heroku.StateProvisioned || fresh.Service != keyValueStoreService {
		return fmt.Errorf("the new store %s (%s) is %s", fresh.Name, fresh.ID, fresh.State)
	}
	attachments, err := m.client.AddOnAttachments(ctx, fresh.ID)
	if err != nil {
		return err
	}
	for _, attachment := range attachments {
		delete(m.carried, place{attachment.AppID, attachment.Name})
	}
	for missing := range m.carried {
		return fmt.Errorf("the attachment %s of app %s leads neither to the old store nor to the new one: somebody has detached it meanwhile", missing.name, missing.app)
	}
	return nil
}

// notMoved: apps that are held have written nothing, so they can all go back to the old store. Others may have written to
// the new one already, and stay where they are.
func (m *replacement) notMoved(ctx context.Context, err error) diag.Diagnostics {
	diags := diag.Diagnostics{m.failure("Unable to move the attachments of Key-Value Store",
		fmt.Sprintf("%s, replaced by %s (%s)", m.label(), m.fresh.Name, m.fresh.ID), err)}
	if m.still {
		if err := m.moveBack(ctx); err != nil {
			held := make([]string, len(m.apps))
			for i, app := range m.apps {
				held[i] = string(app)
			}
			diags.AddWarning("The apps are still held", fmt.Sprintf(
				"%s\n\nSome attachments lead to the new store and some to the old one, and could not be moved back. So that nothing is written to either, "+
					"these apps stay in maintenance mode or scaled down, as `migration` says:\n%s\n\n"+
					"The cause removed, apply again: that moves the rest and puts the apps back. What an app was like before is in its config var %s.",
				m.failure("", m.label(), err).Detail(), bullets(held), holdVar))
			return diags
		}
	}
	if err := m.releaseApps(ctx, m.old.ID, m.apps); err != nil {
		diags.Append(m.failure("Unable to put the apps back", m.label(), err))
	}
	return diags
}

func (m *replacement) moveBack(ctx context.Context) error {
	attachments, err := m.client.AddOnAttachments(ctx, m.fresh.ID)
	for _, attachment := range attachments {
		if err == nil && !markOf(m.old.ID, attachment.Name) {
			err = m.point(ctx, attachment, m.old.ID)
		}
	}
	return err
}

// detachFrom removes the attachment of a store by its name, if it is there.
func (c *connection) detachFrom(ctx context.Context, app heroku.AppID, name string, of heroku.AddOnID) error {
	attachment, err := c.client.AppAttachment(ctx, string(app), name)
	if heroku.IsNotFound(err) || err == nil && attachment.AddOnID != of {
		return nil
	}
	if err != nil {
		return err
	}
	return c.client.DeleteAttachment(ctx, attachment.ID)
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
	holder := withName(attachments, name.ValueString())
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
