// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package replacement

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// keepOld ends the replacement, and keeps the old store with the attachment of a retired one.
func (r *replacement) keepOld(ctx context.Context) error {
	name := keyvalue.RetiredAttachment(string(r.old.ID))
	_, err := r.client.AppAttachment(ctx, string(r.old.AppID), name)
	if heroku.IsNotFound(err) {
		_, err = r.client.CreateAttachment(ctx, heroku.AttachmentCreate{AddOn: r.old.ID, App: r.old.AppID, Name: name})
	}
	if err == nil {
		err = r.removeMarker(ctx)
	}
	return err
}

// Destroy destroys a store, which the caller must have proven to be the right one. A store that does not exist is no error.
func (m *Manager) Destroy(ctx context.Context, id heroku.AddOnID, timeout time.Duration) error {
	addOn, err := m.client.FindAddOn(ctx, string(id))
	if err == nil && addOn.State != heroku.StateDeprovisioning {
		err = m.client.DeleteAddOn(ctx, addOn.AppID, id)
	}
	if err == nil {
		err = m.client.WaitAddOnGone(ctx, id, timeout)
	}
	if heroku.IsNotFound(err) {
		return nil
	}
	return err
}

// WhyNotRetired returns why a store is not proven to be the retired store that keeper has replaced. The reason is empty if it is, and
// if it does not exist. The state proves nothing: the store may be in use again, and a state can be edited.
func (m *Manager) WhyNotRetired(ctx context.Context, keeper Store, kept string) (reason string, err error) {
	id := heroku.AddOnID(kept)
	if !keyvalue.IsUUID(kept) || id == keeper.ID {
		return "that is not the id of a store that could be destroyed", nil
	}
	if by, protected := m.protector(id); protected {
		return "it is managed here too, and protected, as " + by, nil
	}
	addOn, err := m.client.FindAddOn(ctx, kept)
	if heroku.IsNotFound(err) || err == nil && IsDeleted(addOn) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	if addOn.Service != keyvalue.Service {
		return fmt.Sprintf("%s is an add-on of %s", addOn.Name, addOn.Service), nil
	}
	original, retired := keyvalue.OriginalName(addOn.Name, kept)
	if !retired {
		return fmt.Sprintf("its name is %s, which is not that of a retired store", addOn.Name), nil
	}
	if original != keeper.Name { // the keeper may have been renamed since
		now, err := m.client.AddOn(ctx, keeper.ID)
		if err != nil || !keyvalue.Succeeds(now.ConfigVars, kept) {
			return fmt.Sprintf("its name %s is that of a store which %s did not replace", addOn.Name, keeper), err
		}
	}
	attachments, err := m.client.AddOnAttachments(ctx, id)
	if err != nil {
		return "", err
	}
	marked := false
	for _, attachment := range attachments {
		if !IsInternalAttachment(id, attachment.Name) || attachment.AppID != addOn.AppID {
			return fmt.Sprintf("it is attached to app %s as %s", attachment.AppName, attachment.Name), nil
		}
		marked = marked || attachment.Name == keyvalue.RetiredAttachment(kept) || attachment.Name == keyvalue.MigrationMarker(kept)
	}
	if !marked {
		return fmt.Sprintf("it lacks the attachment %s of a retired store", keyvalue.RetiredAttachment(kept)), nil
	}
	return "", nil
}

// EndSuccession deletes the attachments that prove that a store has replaced another one. They are no longer needed once the new id is
// in the state. The next change of the store calls it, since a plan changes nothing, and no change is planned only for this.
func (m *Manager) EndSuccession(ctx context.Context, id heroku.AddOnID) error {
	addOn, err := m.client.AddOn(ctx, id)
	for _, name := range keyvalue.Successions(addOn.ConfigVars) {
		if err == nil {
			err = m.Detach(ctx, addOn.AppID, name, addOn.ID)
		}
	}
	return err
}

// destroyNewStore destroys the new store of a replacement whose old store is destroyed too. It deletes attachments that were moved from
// the app of the old store. Other apps have to be detached first, as for any store.
func (r *replacement) destroyNewStore(ctx context.Context) Findings {
	given := storeOf(*r.newStore)
	err := r.claimLease(ctx)
	if err == nil && r.newStore == nil {
		return nil
	}
	if err != nil {
		return Findings{Failure{StepDestroy, given, err}}
	}
	ctx = r.underLease(ctx)
	attached, err := r.client.AddOnAttachments(ctx, r.newStore.ID)
	for _, attachment := range attached {
		if err == nil && attachment.AppID == r.old.AppID && attachment.AppID != r.newStore.AppID {
			err = r.client.DeleteAttachment(ctx, attachment.ID)
		}
	}
	if err == nil {
		err = r.Destroy(ctx, r.newStore.ID, r.plan.Timeout)
	}
	if heroku.HasStatus(err, http.StatusUnprocessableEntity) {
		if foreign, failed := r.AttachedElsewhere(ctx, given.ID); failed == nil && len(foreign) > 0 {
			return Findings{StillAttached{given, foreign, err}}
		}
	}
	if err != nil {
		return Findings{Failure{StepDestroy, given, err}}
	}
	return nil
}
