// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// What is said at plan time and after success, where a story of its own is told elsewhere about the rest of it.
var remarks = map[string]struct {
	tell func(f *front, app, store *managed, of values)
	says []string
}{
	"a store without a plan": {func(f *front, _, store *managed, of values) {
		delete(of, "plan")
		store.apply(of)
	}, []string{"A plan is required here"}},
	"an app that may not be read": {func(f *front, _, store *managed, of values) {
		for _, path := range []string{"/apps", "/apps/*"} { // the plan leaves it to the apply
			f.sb.Inject(sandbox.Fault{Match: sandbox.Match{Method: "GET", Path: path}, Do: sandbox.Effect{Status: 403}})
		}
		store.apply(of)
	}, []string{"Unable to read the app of the Key-Value Store"}},
	"events that go nowhere": {func(f *front, _, store *managed, of values) {
		of["notify_keyspace_events"] = "x"
		store.apply(of)
	}, []string{"Keyspace events that nobody receives"}},
	"a name that cannot be": {func(f *front, app, _ *managed, _ values) {
		app.apply(values{"name": "X!"})
	}, []string{"Invalid attribute value"}},
	"a larger plan, and back": {func(f *front, _, store *managed, of values) {
		store.apply(of)
		of["plan"] = "premium-1"
		store.apply(of)
		of["plan"], of["migration"] = "premium-0", values{"accept_unproven": true}
		store.apply(of)
	}, []string{"Changing the plan copies the data", "Changing to a smaller plan needs the data to fit",
		"The store could not be verified to fit into the smaller plan"}},
	"into a Shield Space": {func(f *front, _, store *managed, of values) {
		store.apply(of)
		moveToShield(f, store, of)
	}, []string{"This change needs a new, empty Key-Value Store"}},
	"into a Shield Space, with nothing": {func(f *front, _, store *managed, of values) {
		store.apply(of)
		of["migration"] = values{"strategy": "recreate"}
		moveToShield(f, store, of)
	}, []string{"Recreating the store loses its data"}},
	"into a Shield Space, with nothing, knowingly": {func(f *front, _, store *managed, of values) {
		store.apply(of)
		of["migration"] = values{"strategy": "recreate", "accept_data_loss": true}
		moveToShield(f, store, of)
	}, []string{"The store will be replaced by an empty one"}},
	"a retired store" + withServers: {func(f *front, _, store *managed, of values) {
		store.apply(of)
		of["app_id"], of["migration"] = another(f).get("id"), values{"retire": "never"}
		store.apply(of)
		of["migration"] = values{"retire": "always"}
		store.apply(of)
	}, []string{"The retired store will be destroyed", "The store will be replaced by a fork of it"}},
	"outside of no space": {func(f *front, _, store *managed, of values) {
		of["outside_space"] = true
		store.apply(of)
	}, []string{"outside_space has no effect here"}},
	"a config var in the way": {func(f *front, _, store *managed, of values) {
		space, app := f.resource("kvs_private_space"), f.resource("kvs_app")
		space.apply(values{"name": "acme-prod", "team": "acme"})
		app.apply(values{"name": "orders-web", "space_id": space.get("id")})
		theirs := "redis://elsewhere.example"
		if err := f.sb.Client(f.T).SetConfigVar(f.Context(), heroku.AppID(app.get("id")), "CACHE_URL", &theirs); err != nil {
			f.Fatal(err)
		}
		of["app_id"], of["attachment_name"], of["outside_space"] = app.get("id"), "CACHE", true
		store.apply(of)
	}, []string{"Data will travel over the public internet", "The attachment would overwrite a config var"}},
	"another primary store": {func(f *front, app, store *managed, of values) {
		store.apply(of)
		other := f.resource("kvs_instance")
		other.apply(values{"name": "acme-other", "app_id": app.get("id"), "plan": "premium-0", "attachment_name": "OTHER"})
		attachment := f.resource("kvs_attachment")
		attachment.apply(values{"app_id": app.get("id"), "instance_id": other.get("id"), "name": "REDIS"})
		named := f.resource("kvs_attachment")
		named.apply(values{"app_id": app.get("id"), "instance_id": store.get("id"), "name": "CACHE"})
		named.apply(values{"app_id": app.get("id"), "instance_id": other.get("id"), "name": "CACHE"})
	}, []string{"The app gets another primary store", "The attachment is re-pointed to another store"}},
	"the last attachment": {func(f *front, _, store *managed, of values) {
		store.apply(of)
		f.imports("kvs_attachment", "orders-api::REDIS").apply(nil)
	}, []string{"The attachment stays until its store is destroyed"}},
	"credentials during a change": {func(f *front, _, store *managed, of values) {
		store.apply(of)
		plan := "heroku-redis:premium-1"
		if _, err := f.sb.Client(f.T).UpdateAddOn(f.Context(), heroku.AppID(store.get("app_id")),
			heroku.AddOnID(store.get("id")), heroku.AddOnUpdate{Plan: &plan}); err != nil {
			f.Fatal(err)
		}
		f.opens("kvs_credentials", values{"instance_id": store.get("id")})
	}, []string{"The credentials may change soon"}},
	"a window": {func(f *front, _, store *managed, of values) {
		store.apply(of)
		window := f.resource("kvs_maintenance_window")
		window.apply(values{"instance_id": store.get("id"), "day": "sunday", "time": "13:30"})
		f.sb.Inject(sandbox.Fault{Match: sandbox.Match{Method: "GET", Path: "/redis/v0/databases/*"}, Do: sandbox.Effect{Status: 200,
			Body: ptr(`{"addon_id":"` + store.get("id") + `","name":"acme-cache","plan":"premium-0","info":[{"name":"Maintenance window","values":["whenever it rains"]}]}`)}})
		window.refresh()
		f.sb.Clear()
		window.apply(nil)
	}, []string{"The maintenance window cannot be understood", "The maintenance window stays as it is"}},
	"a window for a store that is being provisioned": {func(f *front, app, _ *managed, _ values) {
		f.resource("kvs_maintenance_window").apply(values{"instance_id": provisioning(f, app), "day": "sunday", "time": "13:30"})
	}, []string{"Key-Value Store is not ready"}},
	"a fork of a store that is being provisioned": {func(f *front, app, store *managed, of values) {
		of["fork"] = values{"instance_id": provisioning(f, app)}
		store.apply(of)
	}, []string{"The source of the fork is not ready"}},
	"an old version": {func(f *front, app, _ *managed, of values) {
		old := heroku.AddOnCreate{Plan: "heroku-redis:premium-0", Name: "acme-cache", Config: map[string]string{"version": "7.0"}}
		if _, err := f.sb.Client(f.T).CreateAddOn(f.Context(), heroku.AppID(app.get("id")), old); err != nil {
			f.Fatal(err)
		}
		f.sb.Clock().Advance(time.Minute)
		of["timeout"], of["deletion_protection"] = 60, true
		f.imports("kvs_instance", "acme-cache").apply(of)
	}, []string{"The store's version is approaching end of life"}},
	"an add-on of another service": {func(f *front, _, _ *managed, _ values) {
		f.sb.Inject(sandbox.Fault{Match: sandbox.Match{Method: "GET", Path: "/addons/*"},
			Do: sandbox.Effect{Status: 200, Body: ptr(strings.ReplaceAll(echoed, "redis", "postgresql"))}})
		f.imports("kvs_instance", "acme")
	}, []string{"Not a Key-Value Store"}},
	"a plan that nobody can read": {func(f *front, _, _ *managed, _ values) {
		f.sb.Inject(sandbox.Fault{Match: sandbox.Match{Method: "GET", Path: "/addon-services/*/plans"}, Do: sandbox.Effect{Status: 200,
			Body: ptr(`[{"id":"x","name":"heroku-redis:?!"}]`)}})
		f.reads("kvs_plans", nil)
	}, []string{"A plan was left out"}},
	"networks that overlap": {func(f *front, _, _ *managed, _ values) {
		f.resource("kvs_private_space").apply(values{"name": "acme-prod", "team": "acme", "cidr": "10.0.0.0/16",
			"data_cidr": "10.0.16.0/20"})
	}, []string{"The networks of the space overlap"}},
	"a space that is not there yet": {func(f *front, _, _ *managed, _ values) {
		space, err := f.sb.Client(f.T).CreateSpace(f.Context(), heroku.SpaceCreate{Name: "acme-prod", Team: "acme"})
		if err != nil {
			f.Fatal(err)
		}
		f.resource("kvs_app").apply(values{"name": "orders-web", "space_id": string(space.ID)})
	}, []string{"The space cannot hold apps yet"}},
	"a space and its ranges": {func(f *front, _, _ *managed, _ values) {
		space, ranges := f.resource("kvs_private_space"), f.resource("kvs_trusted_ip_ranges")
		space.apply(values{"name": "acme-prod", "team": "acme", "deletion_protection": false})
		of := values{"space_id": space.get("id"), "ranges": values{}, "on_destroy": "restore_previous"}
		ranges.apply(of)
		of["ranges"] = values{"192.0.2.0/24": values{}}
		ranges.apply(of)
		if _, err := f.sb.Client(f.T).SetTrustedRanges(f.Context(), heroku.SpaceID(space.get("id")),
			[]heroku.Rule{{Action: "deny", Source: "192.0.2.0/24"}}); err != nil {
			f.Fatal(err)
		}
		ranges.refresh()
		ranges.apply(nil)
		f.resource("kvs_trusted_ip_ranges").apply(of)
		space.apply(values{"name": "acme-prod", "team": "globex", "deletion_protection": false})
	}, []string{
		"The space changes its owner", "The space has rules that deny", "The space has trusted IP ranges already",
		"The trusted IP ranges stay as they are",
		"Trusted IP ranges may not mean what was intended", "Unable to change Private Space",
	}},
	"actions without what they need": {func(f *front, _, store *managed, of values) {
		f.invokes("kvs_schedule_maintenance", values{"instance_id": store.get("id")})
	}, []string{"The week of the maintenance is missing or ambiguous"}},
	"an action before its store": {func(f *front, _, _ *managed, _ values) {
		f.invokes("kvs_reset_stats", values{"instance_id": tftypes.UnknownValue})
	}, []string{"The action needs a value that is not known yet"}},
	"an upgrade in the window": {func(f *front, _, store *managed, of values) {
		store.apply(of)
		of["version"], of["migration"] = "8.0", values{"version_upgrade": "window"}
		store.apply(of)
		store.refresh()
		store.apply(of)
	}, []string{"No announced version is as new as that", "The upgrade waits for the maintenance window",
		"Upgrading the version of the store"}},
}

func another(f *front) *managed {
	app := f.resource("kvs_app")
	app.apply(values{"name": "orders-web"})
	return app
}

// moveToShield gives a store to an app in a Shield Space.
func moveToShield(f *front, store *managed, of values) {
	space, app := f.resource("kvs_private_space"), f.resource("kvs_app")
	space.apply(values{"name": "acme-secure", "team": "acme", "shield": true})
	app.apply(values{"name": "orders-secure", "space_id": space.get("id")})
	of["app_id"], of["plan"] = app.get("id"), "shield-7"
	store.apply(of)
}

// provisioning is the id of a store that was ordered just now.
func provisioning(f *front, app *managed) string {
	addOn, err := f.sb.Client(f.T).CreateAddOn(f.Context(), heroku.AppID(app.get("id")),
		heroku.AddOnCreate{Plan: "heroku-redis:premium-0", Name: "acme-young"})
	if err != nil {
		f.Fatal(err)
	}
	return string(addOn.ID)
}

func ptr(s string) *string { return &s }

func TestRemarks(t *testing.T) {
	t.Parallel()
	for name, remark := range remarks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFront(t, "", engineOf(name))
			app, store := f.resource("kvs_app"), f.resource("kvs_instance")
			app.apply(values{"name": "orders-api"})
			remark.tell(f, app, store, values{"name": "acme-cache", "app_id": app.get("id"), "plan": "premium-0",
				"deletion_protection": false})
			if says := summariesOf(f.said); !slices.Equal(says, remark.says) {
				t.Errorf("it says %q, want %q", says, remark.says)
			}
		})
	}
}
