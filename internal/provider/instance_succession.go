// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// Which stores a replacement is about, by what Heroku shows: an earlier run may have been killed, and another one may be at
// work at the same time.

// replacementOf finds both stores and what an earlier run has done.
func (r *instanceResource) replacementOf(ctx context.Context, state instanceModel, plan *instanceModel, timeout time.Duration) (*replacement, error) {
	m := &replacement{instanceResource: r, want: plan, terms: plan.terms(ctx), timeout: timeout}
	return m, m.lookUp(ctx, state.addOnID())
}

// lookUp asks Heroku, by the names that an earlier run has left.
func (m *replacement) lookUp(ctx context.Context, id heroku.AddOnID) error {
	old, err := m.client.FindAddOn(ctx, string(id))
	if err != nil {
		return err // m.old stays what it was: it is what there is to put back
	}
	m.old = old
	attachments, err := m.client.AddOnAttachments(ctx, id)
	if err != nil {
		return err
	}
	m.leased = m.leaseOfOthers(attachments)
	mark := withName(attachments, m.mark())
	m.begun, m.moved, m.fresh, m.names, m.carried = mark != nil, false, nil, nil, nil
	m.left = slices.ContainsFunc(attachments, func(a heroku.Attachment) bool { return !markOf(m.old.ID, a.Name) })
	if m.begun {
		m.since = mark.CreatedAt
		arrived, err := m.findFresh(ctx)
		if err != nil {
			return err
		}
		m.moved = len(arrived) > 0
		attachments = append(attachments, arrived...)
	}
	m.apps = []heroku.AppID{m.old.AppID} // first, since its mark stays to the end
	for _, attachment := range attachments {
		if !slices.Contains(m.apps, attachment.AppID) {
			m.apps = append(m.apps, attachment.AppID)
		}
		if markOf(m.old.ID, attachment.Name) {
			continue
		}
		m.carry(attachment)
		if attachment.AppID == m.old.AppID {
			m.names = append(m.names, attachment.Name)
		}
	}
	return nil
}

// carry notes an attachment that has to lead to the new store in the end.
func (m *replacement) carry(attachment heroku.Attachment) {
	if m.carried == nil {
		m.carried = make(map[place]bool)
	}
	m.carried[place{attachment.AppID, attachment.Name}] = true
}

// findFresh looks the new store up: by the name that it has first, then by the one that it takes over. It returns the
// attachments that it has beside its first one.
func (m *replacement) findFresh(ctx context.Context) (arrived []heroku.Attachment, err error) {
	names := []string{keyvalue.ForkName(string(m.old.ID))}
	if original, retired := keyvalue.OriginalName(m.old.Name, string(m.old.ID)); retired {
		names = append(names, original)
	}
	for _, name := range names {
		found, err := m.client.FindAddOn(ctx, name)
		if heroku.IsNotFound(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		attachments, err := m.client.AddOnAttachments(ctx, found.ID)
		if err != nil && !ending(found) {
			return nil, err
		}
		if doubt := m.doubt(found, attachments); doubt != "" {
			return nil, fmt.Errorf("the name %s, by which the new store is found again, belongs to the add-on %s of app %s, which is not proven to be that store: %s. "+
				"Nothing has been done to it. If it is somebody else's, rename it (`heroku addons:rename`), and apply again", name, found.ID, found.AppName, doubt)
		}
		m.fresh = &found
		return slices.DeleteFunc(attachments, func(a heroku.Attachment) bool { return markOf(m.old.ID, a.Name) }), nil
	}
	return nil, nil
}

// doubt says why a store is not proven to be the new one of this replacement. One that Heroku has given up proves nothing,
// and has nothing to lose.
func (m *replacement) doubt(found heroku.AddOn, attachments []heroku.Attachment) string {
	first := withName(attachments, m.stopgap())
	made, madeErr := time.Parse(time.RFC3339, found.CreatedAt)
	marked, markedErr := time.Parse(time.RFC3339, m.since)
	switch {
	case found.Service != keyValueStoreService:
		return "it is an add-on of " + found.Service
	case ending(found) || found.ID == m.ordered:
		return ""
	case first == nil || first.AppID != found.AppID:
		return fmt.Sprintf("it lacks the attachment %s to its own app, which the new store is ordered with", m.stopgap())
	case madeErr != nil || markedErr != nil || made.Before(marked):
		return fmt.Sprintf("it was made at %s, and the replacement began at %s", found.CreatedAt, m.since)
	}
	return ""
}

// stop ends a run that has failed before it has moved anything: what another run has done meanwhile stands, and what that
// one needs is left to it. The apps are put back by whoever is the last.
func (m *replacement) stop(ctx context.Context, state instanceModel, diags diag.Diagnostics) (done bool, _ diag.Diagnostics) {
	if m.begun && !m.moved {
		m.timeout = min(m.timeout, 2*leaseTerm)
		var leased leasedError
		if err := m.claim(ctx); errors.As(err, &leased) {
			return false, diags
		}
	}
	if now, overtaken := m.overtaken(ctx, &state); overtaken {
		done, diags := m.replacedAlready(ctx, state, m.want, now)
		if err := m.releaseApps(ctx, m.old.ID, m.apps); err != nil { // held after the other run had put them back
			diags.Append(m.failure("Unable to put the apps back", m.label(), err))
		}
		return done, diags
	}
	return false, append(diags, m.stepBack(ctx)...)
}

// joinReplacement finds both stores and what earlier runs have done. It waits for another run that is moving or destroying
// something; the store that has replaced the old one by then is returned instead.
func (r *instanceResource) joinReplacement(ctx context.Context, state, plan *instanceModel, timeout time.Duration) (*replacement, heroku.AddOn, error) {
	clock := r.client.Clock()
	for started := clock.Now(); ; {
		m, err := r.replacementOf(ctx, *state, plan, timeout)
		now, err := r.successor(ctx, state, m.old, err)
		switch {
		case err != nil:
			return nil, now, err
		case now.ID != state.addOnID():
			return nil, now, nil
		case m.leased == nil:
			return m, now, nil
		case clock.Now().Sub(started) >= timeout:
			return nil, now, leasedError{*m.leased}
		}
		if err := clock.Sleep(ctx, leasePoll); err != nil {
			return nil, now, err
		}
	}
}

// replacedAlready takes over what another run has made of the store, if that is what is wanted.
func (r *instanceResource) replacedAlready(ctx context.Context, state instanceModel, plan *instanceModel, now heroku.AddOn) (done bool, diags diag.Diagnostics) {
	if string(now.AppID) != plan.AppID.ValueString() || shortPlan(now.Plan) != string(plan.spec().Plan) {
		return false, diag.Diagnostics{r.failure("Unable to replace Key-Value Store", state.label(), fmt.Errorf(
			"another run has replaced it by %s (%s) on the plan %s of app %s, which is not what is planned here; plan again", now.Name, now.ID, shortPlan(now.Plan), now.AppName))}
	}
	plan.RetiredInstanceID = state.RetiredInstanceID
	diags = plan.readBack(ctx, r, now)
	return !diags.HasError(), diags
}

// overtaken finds the store that another run has put in place of the old one meanwhile. A new store that was ordered here
// is given up then: nobody uses it, and nothing else knows of it.
func (m *replacement) overtaken(ctx context.Context, state *instanceModel) (now heroku.AddOn, overtaken bool) {
	attachments, err := m.client.AddOnAttachments(ctx, m.old.ID)
	if err == nil && !slices.ContainsFunc(attachments, func(a heroku.Attachment) bool { return !markOf(m.old.ID, a.Name) }) &&
		withName(attachments, keyvalue.RetiredAttachment(string(m.old.ID))) != nil && !m.moved {
		err = m.detachFrom(ctx, m.old.AppID, m.mark(), m.old.ID) // it was made too late
	}
	if err != nil && !heroku.IsNotFound(err) {
		return now, false
	}
	old, err := m.client.FindAddOn(ctx, string(m.old.ID))
	now, err = m.successor(ctx, state, old, err)
	if err != nil || now.ID == m.old.ID {
		return now, false
	}
	if m.ordered != "" && m.ordered != now.ID {
		if unused, err := m.unused(ctx, m.ordered); err == nil && unused {
			_ = m.destroyStore(ctx, m.ordered, m.timeout) // it is named by the error that is returned otherwise
		}
	}
	return now, true
}

// present is the store that the state means now.
func (r *instanceResource) present(ctx context.Context, state *instanceModel) (heroku.AddOn, error) {
	addOn, err := r.client.AddOn(ctx, state.addOnID())
	return r.successor(ctx, state, addOn, err)
}

// successor is the store that the state means, given what Heroku says of its id. It is another one when a replacement ended
// in a run that was lost before it could say so: the old store is gone or kept under another name, and the new one bears
// the name that the state knows, and the attachment that it was ordered with as the successor of just this id. A name
// alone proves nothing: anybody may have given it to a store since.
func (r *instanceResource) successor(ctx context.Context, state *instanceModel, addOn heroku.AddOn, err error) (heroku.AddOn, error) {
	name := state.Name.ValueString()
	kept := err == nil && gaveAway(addOn, name)
	gone := heroku.IsNotFound(err) || err == nil && ending(addOn)
	if name == "" || !kept && !gone {
		return addOn, err
	}
	successor, failed := r.client.FindAddOn(ctx, name)
	switch {
	case heroku.IsNotFound(failed):
		return addOn, err
	case failed != nil:
		return addOn, failed // whether there is one decides between a store that is kept and an empty one
	case successor.ID == state.addOnID(), successor.Service != keyValueStoreService, successor.State != heroku.StateProvisioned,
		!keyvalue.Succeeds(successor.ConfigVars, state.ID.ValueString()):
		return addOn, err
	}
	if kept {
		state.RetiredInstanceID = types.StringValue(string(addOn.ID))
	}
	return successor, nil
}

// ending says that Heroku has given the store up, or is about to.
func ending(addOn heroku.AddOn) bool {
	return addOn.State == heroku.StateDeprovisioning || addOn.State == heroku.StateDeprovisioned
}

// gaveAway says that a store has been replaced, and is kept while another one bears its name.
func gaveAway(addOn heroku.AddOn, name string) bool {
	original, retired := keyvalue.OriginalName(addOn.Name, string(addOn.ID))
	return retired && original == name && !migrating(addOn) &&
		slices.Contains(addOn.ConfigVars, keyvalue.ConfigVar(keyvalue.RetiredAttachment(string(addOn.ID))))
}

// succeeded says so.
func (m instanceModel) succeeded(by heroku.AddOn) diag.Diagnostic {
	was := "is gone"
	if !m.RetiredInstanceID.IsNull() {
		was = "is kept under another name"
	}
	return diag.NewWarningDiagnostic("The store was replaced by another one", fmt.Sprintf(
		"%s %s, and %s (%s) bears its name and the attachment %s: it replaced that store in a run that was lost before it could say so. "+
			"Nothing is left to do.", m.label(), was, by.Name, by.ID, keyvalue.ForkAttachment(m.ID.ValueString())))
}
