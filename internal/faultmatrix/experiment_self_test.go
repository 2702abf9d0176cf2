// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package faultmatrix

import (
	"fmt"
	"strings"
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

const (
	selfApp = `
resource "kvs_app" "web" {
  name = "orders-web"
}
`
	selfStore = selfApp + `
resource "kvs_instance" "cache" {
  app_id              = kvs_app.web.id
  plan                = "premium-0"
  name                = "orders-cache"
  deletion_protection = false
}
`
)

// The absence of violations proves something only if a violation is reported: each invariant is broken here once, by a client that
// does what the provider must not do.
func TestAccExperiment_reports(t *testing.T) {
	t.Parallel()
	orders := func(l *Harness, name string) {
		client := l.Client(l.T)
		app, err := client.FindApp(l.T.Context(), "orders-web")
		if err == nil {
			_, err = client.CreateAddOn(l.T.Context(), app.ID, heroku.AddOnCreate{Plan: "heroku-redis:mini", Name: name})
		}
		if err != nil {
			l.T.Fatal(err)
		}
	}
	destroys := func(l *Harness, name string) {
		client := l.Client(l.T)
		addOn, err := client.FindAddOn(l.T.Context(), name)
		if err == nil {
			err = client.DeleteAddOn(l.T.Context(), addOn.AppID, addOn.ID)
		}
		if err != nil {
			l.T.Fatal(err)
		}
	}
	// while does something during a run, as if the provider had done it.
	while := func(does func(*Harness)) func(*Harness) *Trial {
		return func(l *Harness) *Trial {
			run := l.Begin("apply", "-auto-approve", "-input=false", "-json")
			run.AwaitSent("GET", "/account/rate-limits")
			does(l)
			return run.End()
		}
	}
	tests := map[string]Experiment{
		"no orphan":    {Before: selfApp, Config: selfApp, Act: while(func(l *Harness) { orders(l, "stray") })},
		"no duplicate": {Before: selfStore, Config: selfStore, Act: while(func(l *Harness) { orders(l, "stray"); destroys(l, "stray") })},
		"nothing unlisted is destroyed": {Before: selfStore, Config: selfStore, ExtraOrders: 1, Act: while(func(l *Harness) {
			destroys(l, "orders-cache")
		})},
		"no secret": {Before: selfStore, Config: selfStore, Act: func(l *Harness) *Trial {
			for name, secret := range l.secrets {
				if strings.HasPrefix(name, "the password") {
					l.CLI.Configure(selfStore + fmt.Sprintf("output \"leak\" {\n  value = %q\n}\n", secret))
				}
			}
			return l.Apply()
		}},
		"converges":                  {Config: selfApp + "resource \"terraform_data\" \"clock\" {\n  input = timestamp()\n}\n"},
		"exit code":                  {Config: selfApp, Exit: 1},
		"what it says":               {Config: selfApp, Says: "something else"},
		"requests within the budget": {Before: selfApp, Config: selfApp, Act: while(func(l *Harness) { spend(l, requestBudget+1) })},
		"the fault strikes": {Config: selfApp, InjectedFaults: []sandbox.Fault{
			{Match: sandbox.Match{Method: "TRACE"}, Do: sandbox.Effect{Reset: true}}}},
		"errors carry what support needs": {Config: selfApp +
			"resource \"terraform_data\" \"broken\" {\n  provisioner \"local-exec\" {\n    command = \"false\"\n  }\n}\n", Exit: 1, After: selfApp},
		"no panic": {Config: selfApp + "output \"words\" {\n  value = \"Plugin did not respond\"\n}\n"},
		"nothing is tainted": {Config: selfApp, Act: func(l *Harness) *Trial {
			l.Apply()
			taint := l.Begin("taint", "kvs_app.web")
			taint.trial.Args = []string{"apply"} // as if an apply had done it
			return taint.End()
		}, Repair: func(l *Harness) { l.Record("untaint", "kvs_app.web") }},
		"a way out": {Config: selfApp, Exit: 1, Repair: func(l *Harness) { l.Import() },
			InjectedFaults: []sandbox.Fault{{Match: sandbox.Match{Method: "POST", Path: "/apps"}, Do: sandbox.Effect{Status: 403}}}},
	}
	for invariant, e := range tests {
		t.Run(invariant, func(t *testing.T) {
			t.Parallel()
			lab := e.execute(t)
			for _, violation := range lab.violations {
				if violation.Invariant == invariant {
					return
				}
			}
			t.Errorf("it was broken and not reported; reported were %v%s", lab.violations, lab.story())
		})
	}
}

// An experiment in which nothing goes wrong reports nothing.
func TestAccExperiment_peace(t *testing.T) {
	t.Parallel()
	Experiment{Config: selfStore}.Run(t)
	Experiment{Before: selfStore, Config: selfStore, Destroyed: true, Act: func(l *Harness) *Trial { return l.Destroy() }}.Run(t)
}

// spend makes requests that look like the provider's.
func spend(l *Harness, n int) {
	options := heroku.Options{UserAgent: acctest.ProviderAgent}
	l.Connect(&options)
	client, err := heroku.New(options)
	for range n {
		if err == nil {
			_, err = client.RateLimit(l.T.Context())
		}
	}
	if err != nil {
		l.T.Fatal(err)
	}
}

// An update may destroy only what a warning of its plan has announced.
func TestExperiment_replacement(t *testing.T) {
	t.Parallel()
	const old, address = "785073e2", "kvs_instance.cache"
	said := func(summary, detail string) []Diagnostic { return []Diagnostic{{"warning", summary, detail, address}} }
	for name, test := range map[string]struct {
		gone    herokuObject
		retired string
		said    []Diagnostic
		allowed bool
	}{
		"the store, announced":   {herokuObject{kind: "add-on", used: true}, "", said(announcements[0], "orders-cache ("+old+")"), true},
		"the store, unannounced": {herokuObject{kind: "add-on", used: true}, "", nil, false},
		"the store, with another one announced": {herokuObject{kind: "add-on", used: true}, "", said(announcements[0], "orders-cache (fc3930ae)"),
			false},
		"the store, with a warning of its plan": {herokuObject{kind: "add-on", used: true}, "",
			said("Changing the plan copies the data", old), false},
		"the kept store, announced": {herokuObject{kind: "add-on"}, "gone", said("The retired store will be destroyed", "replaced gone"),
			true},
		"the kept store, unannounced": {herokuObject{kind: "add-on"}, "gone", nil, false},
		"an unfinished copy": {herokuObject{kind: "add-on", name: "kvs-fork-of-" + old}, "",
			said("The replacement of the store will be continued", old), true},
		"a copy that an app uses": {herokuObject{kind: "add-on", name: "kvs-fork-of-" + old, used: true}, "",
			said("The replacement of the store will be continued", old), false},
		"a copy of another store": {herokuObject{kind: "add-on", name: "kvs-fork-of-fc3930ae"}, "",
			said("The replacement of the store will be continued", old), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			id := old
			if test.retired != "" || strings.HasPrefix(test.gone.name, "kvs-fork-of-") {
				id = "gone"
			}
			var l Harness
			l.checkDestruction(&Trial{
				Args: []string{"apply"}, Planned: map[string]string{address: "update"}, Diagnostics: test.said,
				before: world{map[string]herokuObject{id: test.gone},
					map[string]stateObject{address: {kind: "kvs_instance", id: old, retired: test.retired}}},
			})
			if allowed := len(l.violations) == 0; allowed != test.allowed {
				t.Errorf("allowed: %v, want %v: %v", allowed, test.allowed, l.violations)
			}
		})
	}
}

// An attachment may be in no state only if it stayed with the former owner of its store.
func TestExperiment_carried(t *testing.T) {
	t.Parallel()
	owned := func(app string) world {
		return world{objects: map[string]stateObject{"kvs_instance.cache": {kind: "kvs_instance", id: "store of " + app, owner: app}}}
	}
	l := Harness{trials: []*Trial{{before: owned("web"), after: owned("api")}}}
	for app, want := range map[string]bool{"web": true, "reports": false} {
		if got := l.staysWithFormerOwner(herokuObject{kind: "attachment", app: app, parent: "store of api"}, owned("api")); got != want {
			t.Errorf("the attachment of %s is the store's own affair: %v, want %v", app, got, want)
		}
	}
}

// A provider that continues after an interrupt is recognized by its requests.
func TestExperiment_return(t *testing.T) {
	t.Parallel()
	const request, stop = "provider.kvs: Heroku API request: method=GET\n", "GRPCProvider.v6: Stop\n"
	for name, test := range map[string]struct {
		log string
		ok  bool
	}{
		"many before it":      {strings.Repeat(request, 10*afterStop) + stop, true},
		"a few after it":      {request + stop + strings.Repeat(request, afterStop), true},
		"many after it":       {request + stop + strings.Repeat(request, afterStop+1), false},
		"it was not told to":  {request, false},
		"there is no log yet": {"", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var l Harness
			l.checkInterrupt(&Trial{traced: &test.log})
			if ok := len(l.violations) == 0; ok != test.ok {
				t.Errorf("it is back: %v, want %v: %v", ok, test.ok, l.violations)
			}
		})
	}
}

// missing names each part that an error lacks.
func TestExperiment_missing(t *testing.T) {
	t.Parallel()
	failed := sandbox.Request{Method: "POST", Path: "/apps", Status: 403, RequestID: "theirs,ours", Fault: "fault-1"}
	const whole = `App "x": Heroku answered 403 forbidden to POST /apps: "no" (request id theirs,ours).`
	for name, test := range map[string]struct{ detail, lacks string }{
		"nothing":        {whole, ""},
		"the request":    {strings.Replace(whole, "POST /apps", "it", 1), "the request"},
		"the status":     {strings.Replace(whole, "403", "so", 1), "the status 403"},
		"the error id":   {strings.Replace(whole, "forbidden", "", 1), "Heroku's error id forbidden"},
		"the request id": {strings.Replace(whole, "ours", "", 1), "the request id ours"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := new(Harness).missing(test.detail, failed, nil); got != test.lacks {
				t.Errorf("it lacks %q, want %q", got, test.lacks)
			}
		})
	}
}

// A secret is found in each of its encodings.
func TestExperiment_leaks(t *testing.T) {
	t.Parallel()
	const secret = `rediss://h:p"ä/ss+word=@example.com:1`
	for _, form := range encodings(secret) {
		if !leaks("before "+form+" after", secret) {
			t.Errorf("%q is not found", form)
		}
	}
	if leaks("rediss://h:example.com:1", secret) {
		t.Error("something is found where there is nothing")
	}
}
