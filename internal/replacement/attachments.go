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

// attachmentName identifies an attachment by its app and its name.
type attachmentName struct {
	app  heroku.AppID
	name string
}

func (r *replacement) migrationMarker() string { return keyvalue.MigrationMarker(string(r.old.ID)) }

// temporaryAttachment is the name of the new store's first attachment. It stays after the replacement, as the proof of succession.
func (r *replacement) temporaryAttachment() string { return keyvalue.ForkAttachment(string(r.old.ID)) }

// IsInternalAttachment reports whether an attachment of a store exists only because of its replacement, or of the one in which it was
// created.
func IsInternalAttachment(old heroku.AddOnID, name string) bool {
	return name == keyvalue.MigrationMarker(string(old)) || name == keyvalue.RetiredAttachment(string(old)) ||
		keyvalue.IsLease(name, string(old)) || keyvalue.IsSuccession(name)
}

// inUse reports whether a store has any attachment that was not made by the replacement of old.
func inUse(old heroku.AddOnID, attachments []heroku.Attachment) bool {
	return slices.ContainsFunc(attachments, func(a heroku.Attachment) bool { return !IsInternalAttachment(old, a.Name) })
}

// moveAttachments moves the attachments of the old store to the new one under their names. Each is replaced in one request, so that no
// app is ever without its config var.
func (r *replacement) moveAttachments(ctx context.Context) error {
	attachments, err := r.client.AddOnAttachments(ctx, r.old.ID)
	for _, attachment := range attachments {
		if err == nil && !IsInternalAttachment(r.old.ID, attachment.Name) {
			r.expectAttachment(attachment)
			err = r.repoint(ctx, attachment, r.newStore.ID)
		}
	}
	return err
}

// repoint moves one attachment. The parameter confirm makes Heroku replace the existing attachment of that name.
func (r *replacement) repoint(ctx context.Context, attachment heroku.Attachment, to heroku.AddOnID) error {
	err := r.keepLease(ctx)
	if err == nil {
		create := heroku.AttachmentCreate{AddOn: to, App: attachment.AppID, Name: attachment.Name, Confirm: attachment.AppName}
		_, err = r.client.CreateAttachment(ctx, create)
	}
	return err
}

// attachOwner attaches the new store to its own app under the planned name, or the one that the old store had on its app. The
// temporary attachment stays as the proof of succession.
func (r *replacement) attachOwner(ctx context.Context) error {
	if err := r.keepLease(ctx); err != nil {
		return err
	}
	attachments, err := r.client.AppAttachments(ctx, r.newStore.AppID)
	if err != nil {
		return err
	}
	wanted := cmp.Or(r.plan.AttachmentName, keyvalue.FirstAttachment(r.names))
	isOurs := func(a heroku.Attachment) bool { return a.AddOnID == r.newStore.ID && a.Name != r.temporaryAttachment() }
	holder := heroku.AttachmentNamed(attachments, wanted)
	if holder != nil && holder.AddOnID != r.newStore.ID {
		wanted = "" // another store has the name, so Heroku chooses one; a planned name was checked to be free before
	}
	if wanted != "" && holder == nil || !slices.ContainsFunc(attachments, isOurs) {
		create := heroku.AttachmentCreate{AddOn: r.newStore.ID, App: r.newStore.AppID, Name: wanted}
		if _, err := r.client.CreateAttachment(ctx, create); err != nil {
			return err
		}
	}
	return nil
}

// checkMoved returns an error unless the new store works and has all attachments of the old one, and the old one has none left. It is
// called immediately before the old store is retired, and also moves attachments that were added to the old store meanwhile.
func (r *replacement) checkMoved(ctx context.Context) error {
	const rounds = 3
	for range rounds {
		if err := r.moveAttachments(ctx); err != nil {
			return err
		}
		if err := r.checkNewStore(ctx); err != nil {
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

// checkNewStore reads the new store again, and returns an error unless it is provisioned and has all expected attachments.
func (r *replacement) checkNewStore(ctx context.Context) error {
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

// moveFailed handles an error of moveAttachments. Held apps have written nothing, so their attachments are moved back to the old
// store. Other apps may have written to the new store already, so their attachments stay.
func (r *replacement) moveFailed(ctx context.Context, err error) Findings {
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
			err = r.repoint(ctx, attachment, r.old.ID)
		}
	}
	return err
}

// Detach deletes the attachment of a store with this name, if there is one.
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

// AttachedElsewhere returns the attachments to other apps than the owner, because of which Heroku refuses to destroy a store
// (Platform API reference, add-ons, delete).
func (m *Manager) AttachedElsewhere(ctx context.Context, id heroku.AddOnID) ([]heroku.Attachment, error) {
	attachments, err := m.client.AddOnAttachments(ctx, id)
	return slices.DeleteFunc(attachments, func(a heroku.Attachment) bool { return a.AppID == a.OwnerAppID }), err
}
