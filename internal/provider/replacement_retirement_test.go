// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// What becomes of the old store, and who finds the new one.

// stores are the names of those that live.
func (l *lab) stores() (names []string) {
	for _, object := range l.Living() {
		if object.Kind == "add-on" {
			names = append(names, object.Name)
		}
	}
	return names
}

func (l *lab) expectStores(n int) {
	l.Helper()
	if names := l.stores(); len(names) != n {
		l.Errorf("%v live, want %d stores", names, n)
	}
}

func TestAccReplacement_retired(t *testing.T) {
	t.Parallel()
	t.Run("never, and always later", func(t *testing.T) {
		t.Parallel()
		l := newLab(t, twoApps("web", "premium-0", ""))
		l.mustApply(twoApps("web", "premium-0", ""))
		l.mustApply(twoApps("api", "premium-1", `migration = { retire = "never" }`))
		l.expectStores(2)
		if plan := l.plan(); plan.Code != 0 || !acctest.Says("A retired store is kept").MatchString(plan.Output()) ||
			!acctest.Says("at $15.00 a month").MatchString(plan.Output()) {
			t.Errorf("the plan exited %d, want 0 and the price of the kept store:\n%s", plan.Code, plan.Output())
		}
		// another replacement has to wait until this is settled
		l.cli.Configure(twoApps("web", "premium-1", `migration = { retire = "never" }`))
		l.mustRefuse("A retired store is still kept", "plan")
		l.mustApply(twoApps("api", "premium-1", `migration = { retire = "always" }`))
		l.expectStores(1)
		l.expectNoChanges()
	})
	t.Run("always, also unproven", func(t *testing.T) {
		t.Parallel()
		l := newLab(t, intoSpace("web", "premium-0", ""))
		l.mustApply(intoSpace("web", "premium-0", ""))
		l.mustApply(intoSpace("inside", "private-7", `migration = { retire = "always" }`))
		l.expectStores(1)
		l.expectNoChanges()
	})
	t.Run("when nothing is verified, it is kept", func(t *testing.T) {
		t.Parallel()
		l := newLab(t, twoApps("web", "premium-0", ""))
		l.mustApply(twoApps("web", "premium-0", ""))
		l.mustApply(twoApps("api", "premium-1", `migration = { verify = false }`))
		l.expectStores(2)
		l.expectNoChanges()
	})
	t.Run("kept while the app is not known at plan", func(t *testing.T) {
		t.Parallel()
		l := newLab(t, twoApps("web", "premium-0", ""))
		l.mustApply(twoApps("web", "premium-0", ""))
		l.mustApply(twoApps("api", "premium-1", `migration = { retire = "never" }`))
		result := l.mustApply(appKnownLater("api", "premium-1", `migration = { retire = "never" }`))
		if !acctest.Says("The change may need a new store").MatchString(result.Output()) {
			t.Errorf("the app was known at plan:\n%s", result.Output())
		}
		l.expectStores(2)
		if object, _ := l.cli.Object(store); object.Attributes["retired_instance_id"] == nil {
			t.Error("the state has lost the kept store")
		}
	})
	t.Run("it goes later when Heroku refuses to destroy it at first", func(t *testing.T) {
		t.Parallel()
		l := newLab(t, twoApps("web", "premium-0", ""))
		l.mustApply(twoApps("web", "premium-0", ""))
		l.Inject(sandbox.Fault{Match: sandbox.Match{Method: http.MethodDelete, Path: "/apps/*/addons/*"},
			Do: sandbox.Effect{Status: http.StatusForbidden}})
		l.cli.Configure(twoApps("api", "premium-1", ""))
		l.mustRefuse("Unable to retire Key-Value Store", "apply", "-auto-approve")
		l.Clear()
		l.mustApply(twoApps("api", "premium-1", ""))
		l.expectStores(1)
		l.expectNoChanges()
	})
}

// appKnownLater has an app whose id no plan knows, and which turns out to be the one that it was.
func appKnownLater(owner, plan, terms string) string {
	return strings.Replace(twoApps(owner, plan, terms), "app_id              = kvs_app."+owner+".id",
		"app_id              = terraform_data.later.output", 1) + `
resource "terraform_data" "later" {
  input            = kvs_app.` + owner + `.id
  triggers_replace = timestamp()
}
`
}

// A store is only taken out of the state when Heroku has proven that none bears its name.
func TestAccReplacement_successorOutOfSight(t *testing.T) {
	t.Parallel()
	l, seeded := unfinished(t, "", mishap{kind: crashed, write: 1, of: deletion})
	l.Inject(sandbox.Fault{Match: sandbox.Match{Method: http.MethodGet, Path: "/addons/orders-cache"},
		Do: sandbox.Effect{Status: http.StatusServiceUnavailable}})
	l.mustRefuse("Unable to read Key-Value Store", "plan")
	if object, found := l.cli.Object(store); !found {
		t.Errorf("the store is out of the state: %+v", object)
	}
	l.Clear()
	l.mustApply(twoApps("api", "premium-1", ""))
	l.expectServed(bothApps, seeded)
	l.expectAlone("premium-1")
}

// A store takes its time to go, which a crash may fall into.
func TestAccReplacement_oldStoreIsGoing(t *testing.T) {
	t.Parallel()
	l := newLab(t, twoApps("web", "premium-0", ""))
	l.mustApply(twoApps("web", "premium-0", ""))
	redis := l.Redis(t, "orders-cache")
	seed(t, redis)
	seeded := datasetOf(t, redis)
	l.Inject(sandbox.Fault{Match: sandbox.Match{Method: http.MethodDelete, Path: "/apps/*/addons/*"},
		Do: sandbox.Effect{Deprovisioning: sandbox.Duration(aWhile)}})
	l.cli.Configure(twoApps("api", "premium-1", ""))
	if first := l.apply(mishap{kind: crashed, write: 1, of: deletion}); first.Code == 0 {
		t.Fatalf("the apply survived its provider:\n%s", first.Output())
	}
	l.mustApply(twoApps("api", "premium-1", ""))
	l.expectServed(bothApps, seeded)
	l.expectAlone("premium-1")
}

// An attachment that nobody manages moves too, and is named in the plan; the store is not destroyed under it later.
func TestAccReplacement_unmanagedAttachment(t *testing.T) {
	t.Parallel()
	l := newLab(t, twoApps("web", "premium-0", ""))
	l.mustApply(twoApps("web", "premium-0", ""))
	other := mustCreateApp(t, l.client, "orders-reports")
	_, err := l.client.CreateAttachment(t.Context(), heroku.AttachmentCreate{AddOn: heroku.AddOnID(l.Living()[0].ID),
		App: other.ID, Name: "REDIS"})
	if err != nil {
		t.Fatal(err)
	}
	redis := l.Redis(t, "orders-cache")
	seed(t, redis)
	seeded := datasetOf(t, redis)
	result := l.mustApply(twoApps("api", "premium-1", ""))
	if !acctest.Says("REDIS_URL of app orders-reports, REDIS_URL of app orders-web, SHARED_URL of app orders-api").MatchString(result.Output()) {
		t.Errorf("the plan does not name all attachments:\n%s", result.Output())
	}
	l.expectServed(map[string]string{"orders-web": "REDIS", "orders-api": "SHARED", "orders-reports": "REDIS"}, seeded)
	// that of the former owner goes with the store, the one that somebody made does not
	refused := l.mustRefuse("The store is attached to other apps", "destroy", "-auto-approve", "-target=kvs_instance.cache")
	if said := refused.Output(); !acctest.Says("app orders-reports, as REDIS").MatchString(said) ||
		acctest.Says("app orders-web, as REDIS").MatchString(said) {
		t.Errorf("the refusal names:\n%s", said)
	}
}

// The primary of an app that takes the store over is its own attachment afterwards, whoever manages it.
func TestAccReplacement_managedPrimary(t *testing.T) {
	t.Parallel()
	primary := strings.NewReplacer(`"SHARED"`, `"REDIS"`)
	before, after := primary.Replace(twoApps("web", "premium-0", "")), primary.Replace(twoApps("api", "premium-1", ""))
	l := newLab(t, before)
	l.mustApply(before)
	redis := l.Redis(t, "orders-cache")
	seed(t, redis)
	seeded := datasetOf(t, redis)
	l.cli.Configure(after)
	l.mustRefuse("Two resources own one attachment", "plan") // both would, once the store is api's
	l.mustApply(strings.Replace(after, `attachment_name     = "REDIS"`, "", 1))
	l.expectServed(map[string]string{"orders-web": "REDIS", "orders-api": "REDIS"}, seeded)
	l.expectAlone("premium-1")
}
