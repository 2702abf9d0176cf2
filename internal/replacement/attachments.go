// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package replacement

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// attachmentName is an attachment by what apps know it by.
type attachmentName struct {
	app  heroku.AppID
	name string
}

func (r *replacement) migrationMarker() string { return keyvalue.MigrationMarker(string(r.old.ID)) }

// temporaryAttachment is the first one of the new store. It outlives the replacement, as the proof of succession.
func (r *replacement) temporaryAttachment() string { return keyvalue.ForkAttachment(string(r.old.ID)) }

// IsInternalAttachment says that an attachment of a store is there for its replacement only, or for the one by which it was made.
func IsInternalAttachment(old heroku.AddOnID, name string) bool {
	return name == keyvalue.MigrationMarker(string(old)) || name == keyvalue.RetiredAttachment(string(old)) ||
		keyvalue.IsLease(name, string(old)) || keyvalue.IsSuccession(name)
}

// inUse says that a store has an attachment beside those that the replacement of old makes.
func inUse(old heroku.AddOnID, attachments []heroku.Attachment) bool {
	return slices.ContainsFunc(attachments, func(a heroku.Attachment) bool { return !IsInternalAttachment(old, a.Name) })
}

// moveAttachments re-points them under their own names, in one request each, so that no app is without its variable.
func (r *replacement) moveAttachments(ctx context.Context) error {
	attachments, err := r.client.AddOnAttachments(ctx, r.old.ID)
	for _, attachment := range attachments {
		if err == nil && !IsInternalAttachment(r.old.ID, attachment.Name) {
			r.note(attachment)
			err = r.point(ctx, attachment, r.newStore.ID)
		}
	}
	return err
}

// point re-points one attachment; confirming is consent to replace just this one.
func (r *replacement) point(ctx context.Context, attachment heroku.Attachment, to heroku.AddOnID) error {
	err := r.keepLease(ctx)
	if err == nil {
		order := heroku.AttachmentCreate{AddOn: to, App: attachment.AppID, Name: attachment.Name, Confirm: attachment.AppName}
		_, err = r.client.CreateAttachment(ctx, order)
	}
	return err
}

// attachOwner gives the app that owns the new store an attachment to use, beside the first one, which stays as the proof
// of succession: under the name that is planned, or the one that the store had on its former app.
func (r *replacement) attachOwner(ctx context.Context) error {
	if err := r.keepLease(ctx); err != nil {
		return err
	}
	attachments, err := r.client.AppAttachments(ctx, r.newStore.AppID)
	if err != nil {
		return err
	}
	wanted := cmp.Or(r.plan.AttachmentName, keyvalue.FirstAttachment(r.names))
	ours := func(a heroku.Attachment) bool { return a.AddOnID == r.newStore.ID && a.Name != r.temporaryAttachment() }
	holder := heroku.AttachmentNamed(attachments, wanted)
	if holder != nil && holder.AddOnID != r.newStore.ID {
		wanted = "" // Heroku chooses; a name that the plan asks for was free before
	}
	if wanted != "" && holder == nil || !slices.ContainsFunc(attachments, ours) {
		order := heroku.AttachmentCreate{AddOn: r.newStore.ID, App: r.newStore.AppID, Name: wanted}
		if _, err := r.client.CreateAttachment(ctx, order); err != nil {
			return err
		}
	}
	return nil
}

// arrived reports whether the new store is whole and has all that the old one had, and the old one nothing any more. It is
// asked immediately before the old one is given up: what has been attached to that one meanwhile is carried over as well.
func (r *replacement) arrived(ctx context.Context) error {
	const rounds = 3
	for range rounds {
		if err := r.moveAttachments(ctx); err != nil {
			return err
		}
		if err := r.isWhole(ctx); err != nil {
			return err
		}
		left, err := r.client.AddOnAttachments(ctx, r.old.ID)
		if err != nil {
			return err
		}
		if other := r.leaseOfOthers(left); other != nil {
			return leaseHeldError{*other}
		}
		if !inUse(r.old.ID, left) {
			return nil
		}
	}
	return errors.New("somebody goes on attaching apps to the old store")
}

// isWhole looks at the new store once more.
func (r *replacement) isWhole(ctx context.Context) error {
	found, err := r.client.FindAddOn(ctx, string(r.newStore.ID))
	if err != nil {
		return fmt.Errorf("looking at the new store before the old one is given up: %w", err)
	}
	if found.State != heroku.StateProvisioned || found.Service != keyvalue.Service {
		return fmt.Errorf("the new store %s (%s) is %s", found.Name, found.ID, found.State)
	}
	attachments, err := r.client.AddOnAttachments(ctx, found.ID)
	if err != nil {
		return err
	}
	for _, attachment := range attachments {
		delete(r.attachments, attachmentName{attachment.AppID, attachment.Name})
	}
	for missing := range r.attachments {
		return fmt.Errorf("the attachment %s of app %s leads neither to the old store nor to the new one: somebody has detached it meanwhile",
			missing.name, missing.app)
	}
	return nil
}

// notMoved: apps that are held have written nothing, so they can all go back to the old store. Others may have written to
// the new one already, and stay where they are.
func (r *replacement) notMoved(ctx context.Context, err error) Findings {
	findings := Findings{MoveFailed{storeOf(r.old), storeOf(*r.newStore), err}}
	if r.heldSinceCopy {
		if err := r.moveBack(ctx); err != nil {
			findings.Append(AppsHeld{storeOf(r.old), r.apps, err})
			return findings
		}
	}
	if err := r.Release(ctx, r.old.ID, r.apps); err != nil {
		findings.Append(Failure{StepRelease, storeOf(r.old), err})
	}
	return findings
}

func (r *replacement) moveBack(ctx context.Context) error {
	attachments, err := r.client.AddOnAttachments(ctx, r.newStore.ID)
	for _, attachment := range attachments {
		if err == nil && !IsInternalAttachment(r.old.ID, attachment.Name) {
			err = r.point(ctx, attachment, r.old.ID)
		}
	}
	return err
}

// Detach removes the attachment of a store by its name, if it is there.
func (m *Manager) Detach(ctx context.Context, app heroku.AppID, name string, of heroku.AddOnID) error {
	attachment, err := m.client.AppAttachment(ctx, string(app), name)
	if heroku.IsNotFound(err) || err == nil && attachment.AddOnID != of {
		return nil
	}
	if err != nil {
		return err
	}
	return m.client.DeleteAttachment(ctx, attachment.ID)
}

// AttachedElsewhere are the attachments to other apps, because of which Heroku refuses to destroy a store (Platform API
// reference, add-ons, delete).
func (m *Manager) AttachedElsewhere(ctx context.Context, id heroku.AddOnID) ([]heroku.Attachment, error) {
	attachments, err := m.client.AddOnAttachments(ctx, id)
	return slices.DeleteFunc(attachments, func(a heroku.Attachment) bool { return a.AppID == a.OwnerAppID }), err
}
