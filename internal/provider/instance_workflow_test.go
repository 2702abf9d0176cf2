// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// mustSay expects one of the things said to have the summary and to contain the texts, and forgets all that was said.
func (f *front) mustSay(summary string, texts ...string) {
	f.Helper()
	at := slices.IndexFunc(f.said, func(d *tfprotov6.Diagnostic) bool { return d.Summary == summary })
	if at < 0 {
		details := ""
		for _, d := range f.said {
			details += "\n" + d.Detail
		}
		f.Fatalf("it says %q, and not %q%s", summariesOf(f.said), summary, details)
	}
	for _, text := range texts {
		if !strings.Contains(f.said[at].Detail, text) {
			f.Errorf("%q is not in what is said:\n%s", text, f.said[at].Detail)
		}
	}
	f.said = nil
}

// mustSucceed expects nothing to have been refused, and forgets what was said.
func (f *front) mustSucceed() {
	f.Helper()
	if f.over() {
		last := f.said[len(f.said)-1]
		f.Fatalf("%s: %s", last.Summary, last.Detail)
	}
	f.said = nil
}

// writes are the requests of the provider's that change something, since the journal began.
func (f *front) writes() (all []string) {
	for _, r := range f.sb.Requests("[A-Z]+", ".*") {
		if r.Method != "GET" && !strings.HasSuffix(r.Path, "/resolve") {
			all = append(all, r.Method+" "+r.Path)
		}
	}
	return all
}

// someone is a person who uses the API beside Terraform.
func (f *front) someone() *heroku.Client { return f.sb.Client(f.T) }

// A config var that somebody has set is not overwritten: not silently by a first attachment without a name, and not in words
// about another store.
func TestConfigVarSetByHand(t *testing.T) {
	t.Parallel()
	for name, attachment := range map[string]any{"REDIS_URL": nil, "CACHE_URL": "CACHE"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFront(t, "")
			app, store := f.resource("kvs_app"), f.resource("kvs_instance")
			app.apply(values{"name": "orders-api"})
			of := values{"app_id": app.get("id"), "plan": "premium-0", "attachment_name": attachment, "deletion_protection": false}
			theirs := "redis://elsewhere.example"
			set := func() {
				if err := f.someone().SetConfigVar(t.Context(), heroku.AppID(app.get("id")), name, &theirs); err != nil {
					t.Fatal(err)
				}
			}
			f.command()
			saved := store.plans(of)
			set()
			f.command()
			saved.apply() // set after the plan was made
			f.mustSay("The attachment would overwrite a config var", name)
			f.command()
			store.plans(of) // while it is only a plan
			f.mustSay("The attachment would overwrite a config var", name)
			if value, _, err := f.someone().ConfigVar(t.Context(), heroku.AppID(app.get("id")), name); value != theirs {
				t.Errorf("%s has become %q (%v)", name, value, err)
			}
			if created := f.sb.Ledger().Created; created != 0 {
				t.Errorf("%d stores were created", created)
			}
			if err := f.someone().SetConfigVar(t.Context(), heroku.AppID(app.get("id")), name, nil); err != nil {
				t.Fatal(err)
			}
			store.state = nil
			store.apply(of) // the way out
			f.mustSucceed()
		})
	}
}

// The version is a floor: the default does for what is older, and what nobody has announced is asked for.
func TestNewStore_versionIsAFloor(t *testing.T) {
	t.Parallel()
	for floor, runs := range map[string]string{"6": "7.2", "6.2": "7.2", "7": "7.2", "7.0": "7.2", "7.2.4": "7.2",
		"8": "8.0", "8.0": "8.0"} {
		t.Run(floor, func(t *testing.T) {
			t.Parallel()
			_, _, store, _ := aStore(t, values{"version": floor})
			if got := store.get("version_actual"); !strings.HasPrefix(got, runs+".") {
				t.Errorf("it runs %s, want %s", got, runs)
			}
		})
	}
	f := newFront(t, "")
	app, store := f.resource("kvs_app"), f.resource("kvs_instance")
	app.apply(values{"name": "orders-api"})
	of := values{"app_id": app.get("id"), "plan": "premium-0", "version": "99", "deletion_protection": false}
	f.command()
	saved := store.plans(of)
	f.mustSay("No announced version is as new as that", "6.2 (deprecated), 7.0, 7.2 (default)")
	saved.apply()
	f.mustSay("Unable to create Key-Value Store", "7.2 (default)")
	if created := f.sb.Ledger().Created; created != 0 {
		t.Errorf("%d stores were created", created)
	}
}

// Stores without a name: the second one of an app, and the successor of one, do not meet the first one's name.
func TestUnnamedStores(t *testing.T) {
	t.Parallel()
	f, app, first, _ := aStore(t, values{"name": nil, "attachment_name": nil})
	of := values{"app_id": app.get("id"), "plan": "premium-0", "deletion_protection": false}
	second := f.resource("kvs_instance")
	second.apply(of)
	f.mustSucceed()
	f.command() // a successor is created before the first one is destroyed
	successor := f.resource("kvs_instance")
	created, destroyed := successor.plans(of), first.plans(nil)
	created.apply()
	destroyed.apply()
	f.mustSucceed()
	names := []string{second.get("name"), successor.get("name")}
	for _, living := range f.sb.Living() {
		if !slices.Contains(names, living.Name) {
			t.Errorf("%s lives, want %q", living.Name, names)
		}
	}
	if names[0] == names[1] || names[0] == "" {
		t.Errorf("the names are %q", names)
	}
	for _, m := range []*managed{second, successor} {
		m.refresh()
		m.apply(of) // nothing is left to do
	}
	f.mustSucceed()
}

// Of two stores without an attachment name one becomes REDIS by chance, which the plan says unless the app has that already.
func TestUnnamedStores_primaryByChance(t *testing.T) {
	t.Parallel()
	const summary = "Chance decides which store becomes the primary one"
	f := newFront(t, "")
	app := f.resource("kvs_app")
	app.apply(values{"name": "orders-api"})
	of := values{"app_id": app.get("id"), "plan": "premium-0", "deletion_protection": false}
	f.command()
	one, other := f.resource("kvs_instance").plans(of), f.resource("kvs_instance").plans(of)
	f.mustSay(summary, `attachment_name = "REDIS"`)
	one.apply()
	other.apply()
	f.mustSucceed()
	f.command()
	one.of.plans(of) // it has REDIS
	f.resource("kvs_instance").plans(of)
	f.resource("kvs_instance").plans(of)
	if says := summariesOf(f.said); len(says) > 0 {
		t.Errorf("it says %q", says)
	}
}

// The names of config vars are those of the store's own attachment, whatever else it is attached as.
func TestInstance_configVarsAreItsOwn(t *testing.T) {
	t.Parallel()
	f, app, store, of := aStore(t, nil)
	attachment := f.resource("kvs_attachment")
	attachment.apply(values{"app_id": app.get("id"), "instance_id": store.get("id"), "name": "CACHE_READ"})
	f.mustSucceed()
	before := store.state
	store.refresh()
	schema := f.schemas.ResourceSchemas["kvs_instance"]
	for name, value := range attributes(t, schema, store.state) {
		if was := attributes(t, schema, before)[name]; !value.Equal(was) && name != "attached_apps" {
			t.Errorf("%s has changed by itself from %s to %s", name, was, value)
		}
	}
	if all := fmt.Sprint(attributes(t, schema, store.state)["attached_apps"]); !strings.Contains(all, "CACHE_READ_URL") {
		t.Errorf("attached_apps is %s", all)
	}
	store.apply(of)
	f.mustSucceed()
}

// A plan that neither the catalogue nor Heroku knows is refused while it is only a plan, with what there is.
func TestInstance_unknownPlan(t *testing.T) {
	t.Parallel()
	const summary = "Heroku does not offer this plan"
	f, app, store, of := aStore(t, nil)
	f.sb.ResetJournal()
	f.command()
	store.plans(but(of, "plan", "premium-99"))
	f.mustSay(summary, "premium-99", "premium-0", "premium-1", "mini")
	f.resource("kvs_instance").plans(values{"app_id": app.get("id"), "plan": "premium-77"})
	f.mustSay(summary, "premium-77")
	if asked := f.sb.Requests("GET", "/addon-services/.*/plans"); len(asked) != 1 {
		t.Errorf("the plans were asked for %d times, want once", len(asked))
	}
	f.sb.Inject(sandbox.Fault{Match: sandbox.Match{Method: "GET", Path: "/addon-services/*/plans"}, Do: sandbox.Effect{Status: 403}})
	f.command()
	store.plans(but(of, "plan", "premium-99")) // Heroku decides
	f.mustSucceed()
}

// A destroy says what goes: keys, as far as they can be counted, and the config vars of all apps.
func TestInstance_destroyIsSaid(t *testing.T) {
	t.Parallel()
	f, _, store, _ := aStore(t, nil, engineOf(withServers))
	worker := f.resource("kvs_app")
	worker.apply(values{"name": "orders-worker"})
	f.resource("kvs_attachment").apply(values{"app_id": worker.get("id"), "instance_id": store.get("id"), "name": "SHARED"})
	if err := f.sb.Redis(t, "acme-cache").Set(t.Context(), "greeting", "hello", 0).Err(); err != nil {
		t.Fatal(err)
	}
	f.mustSucceed()
	f.command()
	store.plans(nil)
	f.mustSay("The store will be destroyed with its data", "acme-cache", "1 keys", "cannot be recovered",
		"CACHE_URL of app orders-api", "SHARED_URL of app orders-worker")
}

// Protection that is taken away is said, and it speaks for both halves of a replacement.
func TestInstance_protection(t *testing.T) {
	t.Parallel()
	f, _, store, of := aStore(t, values{"deletion_protection": true})
	f.command()
	store.plans(but(of, "deletion_protection", false))
	f.mustSay("The store loses its protection from deletion", "acme-cache")
	store.plans(of)
	f.resource("kvs_instance").plans(of) // -replace plans a creation after that
	f.mustSay("A protected Key-Value Store has this name", "acme-cache", "untaint", "moved block")
	f.resource("kvs_instance").plans(but(but(of, "name", "acme-other"), "attachment_name", "OTHER"))
	f.mustSucceed()
}

// A changed address makes a creation that meets its own store: refused, and then the destroy half leaves the store alone. A
// name of its attachment shows that in the plan.
func TestInstance_renamedAddress(t *testing.T) {
	t.Parallel()
	f, _, store, of := aStore(t, nil)
	f.sb.ResetJournal()
	f.command()
	f.resource("kvs_instance").plans(of)
	f.mustSay("The attachment name is in use", "acme-cache", "moved {", "import {")
	f.command() // while it is applied, the other one may only be planned later
	f.applying = true
	f.resource("kvs_instance").plans(of)
	f.mustSucceed()
	f.applying = false
	of = but(of, "attachment_name", nil)
	f.command()
	created, destroyed := f.resource("kvs_instance").plans(of), store.plans(nil)
	f.mustSucceed()
	created.apply()
	f.mustSay("An add-on with this name exists already", "moved {")
	destroyed.apply()
	f.mustSay("Another instance wants the same Key-Value Store", "acme-cache", "moved {")
	if removed := f.sb.Requests("DELETE", ".*"); len(removed) > 0 {
		t.Errorf("%s was sent", removed[0].Path)
	}
	f.command() // on its own, it goes
	store.plans(nil).apply()
	f.mustSucceed()
}

// Where a CLI does not tell that it applies, a store that begins to go tells it, here by being refused.
func TestInstance_takesTheNameOfOneThatGoes(t *testing.T) {
	t.Parallel()
	f, _, store, of := aStore(t, values{"deletion_protection": true})
	f.command()
	gone := store.plans(of)
	gone.plan.PlannedState = dynamicNull(t, store.of)
	f.mustSucceed()
	f.command()
	gone.apply()
	f.mustSay("Key-Value Store is protected from deletion")
	f.resource("kvs_instance").plans(but(of, "name", "acme-next"))
	f.mustSucceed()
}

// An app whose id is not known may be one that is replaced: a protected store is not changed meanwhile without consent.
func TestInstance_unknownAppOfAProtectedStore(t *testing.T) {
	t.Parallel()
	const summary = "The app of a protected store is not known"
	f, app, store, of := aStore(t, values{"deletion_protection": true})
	unknown := but(of, "app_id", tftypes.UnknownValue)
	f.command()
	store.plans(unknown)
	f.mustSay(summary, "acme-cache", "accept_unknown_app", "-target", "deletion_protection = false")
	f.command()
	store.plans(but(unknown, "deletion_protection", tftypes.UnknownValue)) // may be protected
	f.mustSay(summary)
	f.command()
	store.plans(but(unknown, "deletion_protection", false))
	f.mustSucceed()
	f.command()
	consented := but(of, "migration", values{"accept_unknown_app": true})
	store.plans(but(consented, "app_id", tftypes.UnknownValue))
	f.mustSucceed()
	// Once it is known to be the same, nothing is sent.
	f.sb.ResetJournal()
	f.command()
	saved := store.plans(but(consented, "app_id", tftypes.UnknownValue))
	saved.config = store.value(store.schemas.ResourceSchemas[store.name], consented)
	saved.plan.PlannedState = store.withKnown(saved.plan.PlannedState, "app_id", app.get("id"))
	saved.apply()
	f.mustSucceed()
	if written := f.writes(); len(written) > 0 {
		t.Errorf("%q was sent", written)
	}
}

// withKnown is a planned state once a value has become known.
func (m *managed) withKnown(planned *tfprotov6.DynamicValue, name, value string) *tfprotov6.DynamicValue {
	m.Helper()
	object, err := planned.Unmarshal(m.of)
	if err != nil {
		m.Fatal(err)
	}
	var all map[string]tftypes.Value
	if err := object.As(&all); err != nil {
		m.Fatal(err)
	}
	all[name] = tftypes.NewValue(tftypes.String, value)
	return dynamic(m.T, m.of, all)
}

// An upgrade through the resource takes the care that the action takes: nobody loses connections by surprise, a mini keeps
// its keys, and the default is the maintenance window.
func TestInstance_upgradeIsTheActionsOwn(t *testing.T) {
	t.Parallel()
	f, app, store, of := aStore(t, nil)
	raised := but(of, "version", "8.0")
	store.apply(but(raised, "migration", values{"version_upgrade": "now"}))
	f.mustSay("An app is not in maintenance mode", "orders-api", "migration = { app_maintenance = true }")
	if written := f.sb.Requests("POST", "/redis/v0/databases/.*/upgrade"); len(written) > 0 {
		t.Error("the upgrade was ordered")
	}
	store.apply(raised) // left for the window
	f.mustSucceed()
	if got := store.get("version_actual"); !strings.HasPrefix(got, "7.2.") {
		t.Errorf("it runs %s", got)
	}
	store.refresh()
	now := but(raised, "migration", values{"version_upgrade": "now", "app_maintenance": true})
	store.apply(now)
	f.mustSucceed()
	if got := store.get("version_actual"); !strings.HasPrefix(got, "8.0.") {
		t.Errorf("it runs %s", got)
	}
	if again, err := f.someone().FindApp(t.Context(), app.get("id")); err != nil || again.Maintenance {
		t.Errorf("the app is left in maintenance mode (%v)", err)
	}
	ordered, ran := f.sb.Requests("POST", "/redis/v0/databases/.*/upgrade"), f.sb.Requests("POST", "/data/maintenances/.*/run")
	if len(ordered) != 1 || len(ran) != 1 {
		t.Errorf("%d upgrades were ordered and %d maintenances run", len(ordered), len(ran))
	}

	f, _, mini, of := aStore(t, values{"plan": "mini"})
	f.command()
	mini.plans(but(of, "version", "8.0"))
	f.mustSay("Upgrading a mini loses its data", "acme-cache")
	mini.apply(but(but(of, "version", "8.0"), "migration", values{"accept_data_loss": true}))
	f.mustSucceed()
	if got := mini.get("version_actual"); !strings.HasPrefix(got, "8.0.") {
		t.Errorf("it runs %s", got)
	}
}

// Terraform folds warnings that have the same summary: each has the name of its object.
func TestAccInstance_everyWarningIsShown(t *testing.T) {
	t.Parallel()
	stores := func(plan string) string {
		config := "resource \"kvs_app\" \"web\" {\n  name = \"orders-web\"\n}\n"
		for _, name := range []string{"cache", "queue", "session"} {
			config += fmt.Sprintf(`
resource "kvs_instance" %[1]q {
  app_id              = kvs_app.web.id
  plan                = %[2]q
  name                = "orders-%[1]s"
  attachment_name     = %[3]q
  deletion_protection = false
}
`, name, plan, strings.ToUpper(name))
		}
		return config
	}
	sb := acctest.Start(t, func(o *sandbox.Options) { o.Engine, o.Clock, o.Provisioning = "miniredis", nil, 20*time.Millisecond })
	cli := sb.CLI(t, stores("premium-0"))
	cli.Apply()
	cli.Configure(stores("premium-1"))
	plan := cli.Run("plan", "-no-color", "-input=false").Output()
	for _, name := range []string{"orders-cache", "orders-queue", "orders-session"} {
		if !strings.Contains(plan, "Changing the plan copies the data: "+name) {
			t.Errorf("the warning of %s is not shown:\n%s", name, plan)
		}
	}
	if strings.Contains(plan, "similar warning") {
		t.Errorf("warnings are folded:\n%s", plan)
	}
}

// unnamedStore leaves every name to Heroku, and is made anew with each release, the new one first.
func unnamedStore(release string) string {
	return fmt.Sprintf(`
resource "terraform_data" "release" {
  input = %q
}

resource "kvs_app" "web" {
  name = "orders-web"
}

resource "kvs_instance" "cache" {
  app_id              = kvs_app.web.id
  plan                = "premium-0"
  deletion_protection = false
  lifecycle {
    create_before_destroy = true
    replace_triggered_by  = [terraform_data.release]
  }
}
`, release)
}

func TestAccInstance_createBeforeDestroyKeepsThePrimary(t *testing.T) {
	t.Parallel()
	// the new store cannot be REDIS while the old one is, and becomes it before the old one goes
	sb, cli := workflow(t, unnamedStore("1"))
	cli.Apply()
	cli.Configure(unnamedStore("2"))
	cli.Apply()
	client := sb.Client(t)
	primary, err := client.AppAttachment(t.Context(), "orders-web", "REDIS")
	if err != nil {
		t.Fatal(err)
	}
	stores, err := client.AppAddOns(t.Context(), primary.AppID)
	if err != nil || len(stores) != 1 || stores[0].ID != primary.AddOnID {
		t.Errorf("REDIS leads to %s, and the stores are %v: %v", primary.AddOnID, stores, err)
	}
	expectSettled(t, cli)
	// a name that the configuration gives cannot be had twice: nothing is ordered
	cli.Configure(strings.Replace(unnamedStore("2"), "plan   ", "attachment_name = \"REDIS\"\n  plan   ", 1))
	cli.Apply()
	sb.ResetJournal()
	cli.Configure(strings.Replace(unnamedStore("3"), "plan   ", "attachment_name = \"REDIS\"\n  plan   ", 1))
	expectFailed(t, cli.Run("apply", "-auto-approve", "-input=false", "-no-color"), "The attachment name is in use",
		"With create_before_destroy")
	if destroyed := sb.Requests("DELETE", ".*"); len(destroyed) > 0 {
		t.Errorf("%v were sent", destroyed)
	}
}

func TestAccInstance_appReplaced(t *testing.T) {
	t.Parallel()
	config := func(region string) string {
		return fmt.Sprintf(`
resource "kvs_app" "web" {
  name   = "orders-web"
  region = %q
}

resource "kvs_instance" "cache" {
  app_id              = kvs_app.web.id
  plan                = "premium-0"
  deletion_protection = false
}
`, region)
	}
	// the plan refuses what the apply would refuse half-way
	sb, cli := workflow(t, config("us"))
	cli.Apply()
	sb.ResetJournal()
	cli.Configure(config("eu"))
	expectSays(t, planOf(cli), "The app of the store is to be replaced", "make a second app beside the first one")
	unwritten(t, sb)
}
