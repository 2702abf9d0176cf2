// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// savedPlan is a plan that is applied later, or never.
type savedPlan struct {
	of            *managed
	prior, config *tfprotov6.DynamicValue
	plan          *tfprotov6.PlanResourceChangeResponse
}

// plans plans a configuration in the run that is under way; nil plans a destroy.
func (m *managed) plans(given values) savedPlan {
	m.Helper()
	none := dynamicNull(m.T, m.of)
	p := savedPlan{of: m, prior: none, config: none}
	proposed := none
	if m.state != nil {
		p.prior = m.state
	}
	if given != nil {
		p.config = m.value(m.schemas.ResourceSchemas[m.name], given)
		proposed = m.proposed(given, p.prior)
	}
	var err error
	p.plan, err = m.server.PlanResourceChange(m.Context(), &tfprotov6.PlanResourceChangeRequest{
		TypeName: m.name, PriorState: p.prior, ProposedNewState: proposed, Config: p.config, PriorPrivate: m.private,
		PriorIdentity:      m.identity,
		ClientCapabilities: &tfprotov6.PlanResourceChangeClientCapabilities{DeferralAllowed: m.applying},
	})
	m.heard(err, p.plan.Diagnostics)
	return p
}

// apply applies it in the run that is under way.
func (p savedPlan) apply() {
	p.of.Helper()
	if p.of.over() {
		return
	}
	done, err := p.of.server.ApplyResourceChange(p.of.Context(), &tfprotov6.ApplyResourceChangeRequest{
		TypeName: p.of.name, PriorState: p.prior, PlannedState: p.plan.PlannedState, Config: p.config,
		PlannedPrivate: p.plan.PlannedPrivate, PlannedIdentity: p.plan.PlannedIdentity,
	})
	p.of.heard(err, done.Diagnostics)
	if err == nil {
		p.of.state, p.of.private, p.of.identity = done.NewState, done.Private, done.NewIdentity
	}
}

// aStore is an app with a store that is provisioned, and what its configuration says.
func aStore(t *testing.T, given values, edit ...func(*sandbox.Options)) (f *front, app, store *managed, of values) {
	t.Helper()
	f = newFront(t, "", edit...)
	app, store = f.resource("kvs_app"), f.resource("kvs_instance")
	app.apply(values{"name": "orders-api"})
	of = values{"name": "acme-cache", "app_id": app.get("id"), "plan": "premium-0", "attachment_name": "CACHE",
		"deletion_protection": false}
	for name, value := range given {
		of[name] = value
	}
	store.apply(of)
	f.mustSucceed()
	return f, app, store, of
}

func but(of values, name string, value any) values {
	changed := values{}
	for key, was := range of {
		changed[key] = was
	}
	changed[name] = value
	return changed
}

// A saved plan that does not begin with what is there any more stops at once, names the difference, and changes nothing.
func TestSavedPlan_anythingChangedByHand(t *testing.T) {
	t.Parallel()
	sixty, lru, events := 60, "allkeys-lru", "Kx"
	larger, renamed := "heroku-redis:premium-1", "acme-elsewhere"
	for name, c := range map[string]struct {
		change func(*testing.T, *heroku.Client, *managed) error
		says   string
	}{
		"plan": {func(t *testing.T, c *heroku.Client, s *managed) error {
			_, err := c.UpdateAddOn(t.Context(), heroku.AppID(s.get("app_id")), heroku.AddOnID(s.get("id")),
				heroku.AddOnUpdate{Plan: &larger})
			return err
		}, `plan is "premium-1" now, and was "premium-0"`},
		"name": {func(t *testing.T, c *heroku.Client, s *managed) error {
			_, err := c.UpdateAddOn(t.Context(), heroku.AppID(s.get("app_id")), heroku.AddOnID(s.get("id")),
				heroku.AddOnUpdate{Name: &renamed})
			return err
		}, `name is "acme-elsewhere" now, and was "acme-cache"`},
		"timeout": {func(t *testing.T, c *heroku.Client, s *managed) error {
			return c.UpdateStoreConfig(t.Context(), heroku.AddOnID(s.get("id")), heroku.StoreConfigUpdate{Timeout: &sixty})
		}, `timeout is "60" now, and was "300"`},
		"maxmemory_policy": {func(t *testing.T, c *heroku.Client, s *managed) error {
			return c.UpdateStoreConfig(t.Context(), heroku.AddOnID(s.get("id")), heroku.StoreConfigUpdate{MaxmemoryPolicy: &lru})
		}, `maxmemory_policy is "allkeys-lru" now, and was "noeviction"`},
		"notify_keyspace_events": {func(t *testing.T, c *heroku.Client, s *managed) error {
			return c.UpdateStoreConfig(t.Context(), heroku.AddOnID(s.get("id")), heroku.StoreConfigUpdate{NotifyKeyspaceEvents: &events})
		}, `notify_keyspace_events is "`},
		"attachment_name": {func(t *testing.T, c *heroku.Client, s *managed) error {
			_, err := c.CreateAttachment(t.Context(), heroku.AttachmentCreate{AddOn: heroku.AddOnID(s.get("id")),
				App: heroku.AppID(s.get("app_id")), Name: "OTHER"})
			if err != nil {
				return err
			}
			first, err := c.AppAttachment(t.Context(), s.get("app_id"), "CACHE")
			if err != nil {
				return err
			}
			return c.DeleteAttachment(t.Context(), first.ID)
		}, `attachment_name is "OTHER" now, and was "CACHE"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, _, store, of := aStore(t, nil)
			f.command()
			saved := store.plans(but(of, "deletion_protection", true)) // says nothing of what is changed by hand
			if err := c.change(t, f.someone(), store); err != nil {
				t.Fatal(err)
			}
			f.sb.ResetJournal()
			f.command()
			began := f.sb.Clock().Now()
			saved.apply()
			f.mustSay("The store has changed since the plan was made", c.says, "Nothing was changed")
			if written := f.writes(); len(written) > 0 {
				t.Errorf("%q was sent", written)
			}
			if took := f.sb.Clock().Now().Sub(began); took > 5*time.Second {
				t.Errorf("it took %s", took)
			}
		})
	}
}

// What somebody has done by hand that the plan does anyway is no difference, and a store that is gone is not waited for.
func TestSavedPlan_theSameByHand(t *testing.T) {
	t.Parallel()
	f, app, store, of := aStore(t, nil)
	f.command()
	saved := store.plans(but(of, "timeout", 60))
	sixty := 60
	if err := f.someone().UpdateStoreConfig(t.Context(), heroku.AddOnID(store.get("id")),
		heroku.StoreConfigUpdate{Timeout: &sixty}); err != nil {
		t.Fatal(err)
	}
	f.sb.ResetJournal()
	f.command()
	saved.apply()
	f.mustSucceed()
	if written := f.writes(); len(written) > 0 {
		t.Errorf("%q was sent", written)
	}
	saved = store.plans(but(of, "timeout", 120))
	if err := f.someone().DeleteAddOn(t.Context(), heroku.AppID(app.get("id")), heroku.AddOnID(store.get("id"))); err != nil {
		t.Fatal(err)
	}
	f.command()
	began := f.sb.Clock().Now()
	saved.apply()
	f.mustSay("The store was destroyed since the plan was made", "acme-cache")
	if took := f.sb.Clock().Now().Sub(began); took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
	store.refresh()
	f.mustSay("Key-Value Store is gone", "acme-cache", "new, empty store")
}

// A change that somebody has ordered in the dashboard, and that is under way, is waited for to its end before a setting is
// changed; what this apply has not ordered is not.
func TestSavedPlan_waitsForNothingElse(t *testing.T) {
	t.Parallel()
	f, _, store, of := aStore(t, nil)
	f.command()
	saved := store.plans(but(of, "timeout", 120))
	f.command()
	saved.apply()
	f.mustSucceed()
	for _, r := range f.sb.Requests("GET", "/redis/v0/databases/.*/wait") {
		t.Errorf("it waits: %s", r.Path)
	}
}
