// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// The attachments of a store that are its own affair: the first one on its own app, and those that keep it from being
// destroyed. All others are kvs_attachment's.

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
		attachment, err := r.client.AppAttachment(ctx, string(addOn.AppID), former)
		if err == nil && attachment.AddOnID == addOn.ID {
			err = r.client.DeleteAttachment(ctx, attachment.ID)
		}
		if err != nil && !heroku.IsNotFound(err) {
			return addOn, err
		}
	}
	return r.client.AddOn(ctx, addOn.ID)
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
		"%s\n\nThese would lose their config var:\n%s\n\nDetach it there first (`heroku addons:detach NAME -a APP`), or manage these attachments with kvs_attachment, which are destroyed before their store.",
		r.failure("", m.label(), refusal).Detail(), bullets(lines)))
}

// attachmentsCarried, in the private state, says that a replacement has attached the store to apps that had its
// predecessor: those attachments go with the store.
const attachmentsCarried = "attachments_carried"

func (r *instanceResource) detachAndDelete(ctx context.Context, m instanceModel, attached []heroku.Attachment) error {
	for _, attachment := range attached {
		if err := r.client.DeleteAttachment(ctx, attachment.ID); err != nil {
			return err
		}
	}
	return r.client.DeleteAddOn(ctx, heroku.AppID(m.AppID.ValueString()), m.addOnID())
}
