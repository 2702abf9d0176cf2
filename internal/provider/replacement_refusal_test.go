// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// A copy that does not come about leaves everything as it was, and the next apply makes another one.
func TestLongReplacement_failedCopy(t *testing.T) {
	t.Parallel()
	order := sandbox.Match{Method: http.MethodPost, Path: "/apps/*/addons", Times: 1}
	leak := `{"id":"provider_error","message":"The partner could not fork SOURCE"}`
	for name, test := range map[string]struct {
		do    sandbox.Effect
		says  string
		keeps int // stores, until the next apply
	}{
		"keys are missing":             {sandbox.Effect{Fork: "incomplete"}, "The copy is not complete", 1},
		"the source refuses to sync":   {sandbox.Effect{Fork: "refused"}, "Unable to replace Key-Value Store", 1},
		"the source is lost":           {sandbox.Effect{Fork: "lost"}, "Unable to replace Key-Value Store", 1},
		"the copy does not end":        {sandbox.Effect{Fork: "stuck"}, "Apply again to go on waiting", 2},
		"the order is refused":         {sandbox.Effect{Status: 422}, "Nothing has moved: the store is as it was, and in use.", 1},
		"the refusal names the source": {sandbox.Effect{Status: 422, Body: &leak}, "The partner could not fork (sensitive)", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, twoApps("web", "premium-0", heldStill))
			l.mustApply(twoApps("web", "premium-0", heldStill))
			redis := l.Redis(t, "orders-cache")
			seed(t, redis)
			seeded := datasetOf(t, redis)
			old, err := l.client.Store(t.Context(), heroku.AddOnID(l.Living()[0].ID))
			if err != nil {
				t.Fatal(err)
			}
			url := old.ResourceURL.Reveal()
			if test.do.Body != nil {
				body := strings.ReplaceAll(leak, "SOURCE", url)
				test.do.Body = &body
			}
			l.Inject(sandbox.Fault{Match: order, Do: test.do})
			l.cli.Configure(twoApps("api", "premium-1", heldStill))
			log := t.TempDir() + "/trace.log"
			l.cli.Env = []string{"TF_LOG=TRACE", "TF_LOG_PATH=" + log}
			result := l.mustRefuse(test.says, "apply", "-auto-approve")
			if said := strings.Contains(result.Output(), "The new store is kept"); said != (test.keeps == 2) {
				t.Errorf("with %d stores the apply says that the new one is kept: %t\n%s", test.keeps, said, result.Output())
			}
			l.cli.Env = nil
			l.expectStores(test.keeps)
			l.expectServed(bothApps, seeded)
			for app := range bothApps {
				expectScale(t, l.Sandbox, app, map[string]int{"web": 1, "worker": 1})
			}
			trace, err := os.ReadFile(log)
			if err != nil || !strings.Contains(string(trace), "kvs_instance.cache") {
				t.Errorf("the log says nothing (%v)", err)
			}
			for where, text := range map[string]string{"output": result.Output(), "state": l.cli.StateFile(), "log": string(trace)} {
				if strings.Contains(text, url) || strings.Contains(text, passwordOf(t, url)) {
					t.Errorf("the URL of the source is in the %s", where)
				}
			}
			l.Clear()
			l.mustApply(twoApps("api", "premium-1", heldStill))
			l.expectServed(bothApps, seeded)
			l.expectAlone("premium-1")
		})
	}
}

// Held apps go back to the old store when one of them cannot be moved: nothing was written to the new one.
func TestLongReplacement_movedBack(t *testing.T) {
	t.Parallel()
	l := newLab(t, twoApps("web", "premium-0", heldStill))
	l.mustApply(twoApps("web", "premium-0", heldStill))
	redis := l.Redis(t, "orders-cache")
	seed(t, redis)
	seeded := datasetOf(t, redis)
	l.Inject(sandbox.Fault{Match: sandbox.Match{Method: http.MethodPost, Path: "/addon-attachments", Nth: 3},
		Do: sandbox.Effect{Status: 403}})
	l.cli.Configure(twoApps("api", "premium-1", heldStill))
	l.mustRefuse("Unable to move the attachments of Key-Value Store", "apply", "-auto-approve")
	l.expectServed(bothApps, seeded)
	for app, name := range bothApps {
		at, err := l.client.AppAttachment(t.Context(), app, name)
		if err != nil || at.AddOnName != "orders-cache" {
			t.Errorf("%s of %s leads to %s (%v), want the old store", name, app, at.AddOnName, err)
		}
		expectScale(t, l.Sandbox, app, map[string]int{"web": 1, "worker": 1})
	}
	// what is written now is in the next copy
	redis.Set(t.Context(), "late", "after the failure", 0)
	seeded = datasetOf(t, redis)
	l.mustApply(twoApps("api", "premium-1", heldStill))
	l.expectServed(bothApps, seeded)
	l.expectAlone("premium-1")
}

// What can be known beforehand is refused before anything is touched.
func TestAccReplacement_refused(t *testing.T) {
	t.Parallel()
	before := twoApps("web", "premium-0", "")
	begin := func(t *testing.T) *lab {
		l := newLab(t, before)
		l.mustApply(before)
		l.ResetJournal()
		return l
	}
	untouched := func(l *lab) {
		if writes := l.writes(); len(writes) > 0 {
			l.Errorf("%+v were sent", writes)
		}
	}
	t.Run("the attachment's name is taken", func(t *testing.T) {
		t.Parallel()
		l := begin(t)
		_, err := l.client.CreateAddOn(t.Context(), mustFindApp(t, l.client, "orders-api").ID,
			heroku.AddOnCreate{Plan: "heroku-redis:mini", Name: "somebodys", AttachmentName: "REDIS"})
		if err != nil {
			t.Fatal(err)
		}
		l.cli.Configure(twoApps("api", "premium-1", ""))
		l.mustRefuse("On app orders-api the name REDIS belongs to the add-on somebodys", "plan")
		untouched(l)
	})
	t.Run("another name at the same time", func(t *testing.T) {
		t.Parallel()
		l := begin(t)
		l.cli.Configure(strings.ReplaceAll(twoApps("api", "premium-1", ""), "orders-cache", "orders-other"))
		l.mustRefuse("A replacement keeps the name", "plan")
		untouched(l)
	})
	t.Run("the data does not fit", func(t *testing.T) {
		t.Parallel()
		l := newLab(t, twoApps("web", "premium-1", ""))
		l.mustApply(twoApps("web", "premium-1", ""))
		seedMegabytes(t, l.Redis(t, "orders-cache"), 60)
		l.ResetJournal()
		l.cli.Configure(twoApps("api", "premium-0", ""))
		l.mustRefuse("The source does not fit into the new store", "apply", "-auto-approve")
		untouched(l)
	})
	t.Run("not for being unknown", func(t *testing.T) {
		t.Parallel()
		l := begin(t)
		config := strings.Replace(twoApps("api", "premium-1", ""), `"premium-1"`, "terraform_data.plan.output", 1) + `
resource "terraform_data" "plan" {
  input = "premium-1"
}
`
		l.cli.Configure(config)
		if plan := l.plan(); plan.Code != 2 || !acctest.Says("The change may need a new store").MatchString(plan.Output()) {
			t.Errorf("the plan exited %d:\n%s", plan.Code, plan.Output())
		}
		redis := l.Redis(t, "orders-cache")
		seed(t, redis)
		seeded := datasetOf(t, redis)
		l.mustApply(config)
		l.expectServed(bothApps, seeded)
		l.expectAlone("premium-1")
	})
}

// The app that owned the store cannot go in the same apply, since Terraform destroys it first; the data is not lost by that.
func TestAccReplacement_formerOwnerGoes(t *testing.T) {
	t.Parallel()
	before := twoApps("web", "premium-0", "")
	l := newLab(t, before)
	l.mustApply(before)
	redis := l.Redis(t, "orders-cache")
	seed(t, redis)
	seeded := datasetOf(t, redis)
	after := twoApps("api", "premium-1", "")
	_, withoutOwner, _ := strings.Cut(after, "}\n")
	l.cli.Configure(withoutOwner)
	l.mustRefuse("The app still owns add-ons", "apply", "-auto-approve")
	l.expectServed(bothApps, seeded)
	// first the store, then the app
	l.mustApply(after)
	l.mustApply(withoutOwner)
	l.expectServed(map[string]string{"orders-api": "SHARED"}, seeded)
	l.expectStores(1)
	l.expectNoChanges()
}
