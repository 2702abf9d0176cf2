// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package faultmatrix

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// What people do with the CLI and the configuration, alone or several at once.

const allocation = 8 * time.Minute // of a space, on the sandbox's clock

// several returns a configuration of n stores on one app, whose orders have to wait for each other.
func several(n int) string {
	return webApp + fmt.Sprintf(`
resource "kvs_instance" "cache" {
  count               = %d
  app_id              = kvs_app.web.id
  plan                = "mini"
  name                = "orders-cache-${count.index}"
  deletion_protection = false
}
`, n)
}

func each(keys string) string {
	return webApp + fmt.Sprintf(`
resource "kvs_instance" "cache" {
  for_each = toset(%s)
  app_id   = kvs_app.web.id
  plan     = "mini"
  name     = "orders-${each.key}"
}
`, keys)
}

func protectedStore() string { return webApp + edited(store(), "deletion_protection = false", "") }

const (
	protection = "deletion protection"
	staleReads = "stale reads"
)

// refused is an experiment whose action deletion protection refuses.
func refused(name, config string, act func(*Harness) *Trial) Experiment {
	return Experiment{
		Name: name, Kind: protection, Always: act != nil, Before: protectedStore(), Config: config, After: protectedStore(), Act: act,
		Exit: 1, RuleError: true, Says: "Key-Value Store is protected from deletion",
	}
}

// withDiagnostic sets Says.
func withDiagnostic(text string, e Experiment) Experiment {
	e.Says = text
	return e
}

func TestAccPeople(t *testing.T) {
	t.Parallel()
	const protected = "Key-Value Store is protected from deletion"
	tainted := func(l *Harness) *Trial {
		l.Record("taint", "kvs_instance.cache")
		return l.Apply()
	}
	const named = "A protected Key-Value Store has this name" // the plan creates another one under it
	taint := withDiagnostic(named, refused("a tainted store is not replaced", protectedStore(), tainted))
	taint.Repair = func(l *Harness) { l.Record("untaint", "kvs_instance.cache") }
	experiments := map[string][]Experiment{
		"store": {
			taint,
			withDiagnostic(named, refused("-replace is refused", protectedStore(),
				func(l *Harness) *Trial { return l.Apply("-replace=kvs_instance.cache") })),
			refused("destroy is refused", protectedStore(), func(l *Harness) *Trial { return l.Destroy() }),
			refused("a block that is gone is refused", webApp, nil),
			refused("a removed block that destroys is refused",
				webApp+"removed {\n  from = kvs_instance.cache\n  lifecycle {\n    destroy = true\n  }\n}\n", nil),
			{Name: "a removed block that keeps it, and its import", Before: protectedStore(), Config: webApp +
				"removed {\n  from = kvs_instance.cache\n  lifecycle {\n    destroy = false\n  }\n}\n",
				Act: func(l *Harness) *Trial {
					trial := l.Apply()
					l.Disown("kvs_instance.cache")
					return trial
				},
				After: protectedStore() + "import {\n  to = kvs_instance.cache\n  id = \"orders-cache\"\n}\n"},
			{Name: "a moved block", Before: protectedStore(), Config: edited(protectedStore(), `"cache"`, `"other"`) +
				"moved {\n  from = kvs_instance.cache\n  to   = kvs_instance.other\n}\n"},
			{Name: "a count that shrinks with protection on", Kind: protection, Before: edited(several(2), "deletion_protection = false", ""),
				Config: edited(several(1), "deletion_protection = false", ""),
				Exit:   1, RuleError: true, Says: protected, After: edited(several(2), "deletion_protection = false", "")},
			{Name: "a key that changes with protection on", Kind: protection, Before: each(`["a", "b"]`), Config: each(`["a", "c"]`), Exit: 1,
				RuleError: true, Says: protected, After: each(`["a", "b", "c"]`)},
			{Name: "a replacement without protection", Before: webApp + store(), Config: webApp + store(), ExtraOrders: 1,
				Act: func(l *Harness) *Trial { return l.Apply("-replace=kvs_instance.cache") }},
			{Name: "one at a time", Config: several(5), Act: func(l *Harness) *Trial { return l.Apply("-parallelism=1") }, Budget: 600},
			{Name: "50 at a time", Config: several(12), Act: func(l *Harness) *Trial { return l.Apply("-parallelism=50") }, Budget: 600},
			{Name: "two applies at once on one app", Before: webApp, Config: webApp + store(), Act: twoAtOnce, Budget: 200},
			{Name: "duplicate pages", Kind: "odd pages", Before: several(3), Config: several(3), Options: tinyPages, Act: planned,
				FaultsOptional: true,
				Budget:         400,
				InjectedFaults: []sandbox.Fault{{Match: on("GET", "/addons"), Do: sandbox.Effect{DuplicatePage: true}}}},
			{Name: "endless pages", Kind: "odd pages", Before: several(3), Config: several(3), Options: tinyPages, Act: planned, Budget: 2000,
				FaultsOptional: true,
				InjectedFaults: []sandbox.Fault{{Match: on("GET", "/addons"), Do: sandbox.Effect{EndlessPages: true}}}},
			{Name: "stale reads after a change", Kind: staleReads, Before: webApp + store(),
				Config: edited(webApp+store(`timeout = 60`), "orders-cache", "orders-other"), ExtraApplies: 1,
				InjectedFaults: []sandbox.Fault{{Match: on("GET", "**"), Do: sandbox.Effect{Stale: true}}}},
			{Name: "stale reads after a change of plan", Kind: staleReads, Before: webApp + store(), Config: webApp +
				edited(store(), "premium-0", "premium-1"), ExtraApplies: 1, Budget: 400,
				InjectedFaults: []sandbox.Fault{{Match: sandbox.Match{Method: "GET", To: 12}, Do: sandbox.Effect{Stale: true}}}},
		},
		"app": {
			{Name: "stale reads after a change", Kind: staleReads, Before: webApp, Config: edited(webApp, "orders-web", "orders-www"),
				ExtraApplies:   1,
				InjectedFaults: []sandbox.Fault{{Match: on("GET", "**"), Do: sandbox.Effect{Stale: true}}}},
		},
		"space": {
			refusedSpace("destroy is refused", func(l *Harness) *Trial { return l.Destroy() }),
			refusedSpace("-replace is refused", func(l *Harness) *Trial { return l.Apply("-replace=kvs_private_space.prod") }),
		},
		"attachment": {
			{Name: "stale reads after a change", Kind: staleReads, Before: webApp + apiApp + store() + attachment, Config: webApp + apiApp +
				store() + edited(attachment, "SHARED", "JOINT"), ExtraApplies: 1, Budget: 200,
				InjectedFaults: []sandbox.Fault{{Match: on("GET", "**"), Do: sandbox.Effect{Stale: true}}}},
		},
	}
	experiments["space"] = append(experiments["space"], writeOnly()...)
	for _, b := range blocks {
		for _, e := range b.refactorings() {
			e.Kind = "a block that is moved about"
			experiments[b.resource] = append(experiments[b.resource], e)
		}
	}
	experiments["space"] = append(experiments["space"], protectedSpaces()...)
	if long() { // the random soak has many objects in the short form as well
		experiments["several"] = manyObjects()
	}
	runExperiments(t, experiments)
}

// block is a resource that people refactor in their configuration. KEY stands for its key with count or for_each.
type block struct {
	resource, address string
	parents, config   string
	id                string // import ID
	single            bool   // a parent can have one only
}

var blocks = []block{
	{"app", "kvs_app.web", "", edited(webApp, "orders-web", "orders-web-KEY"), "orders-web-0", false},
	{"space", "kvs_private_space.prod", "", edited(space(), "acme-prod", "acme-prod-KEY"), "acme-prod-0", false},
	{"ranges", "kvs_trusted_ip_ranges.prod", edited(space(), "acme-prod", "acme-prod-KEY"), edited(ranges, "prod.id", "prod[KEY].id"),
		"acme-prod-0", true},
	{"range", "kvs_trusted_ip_range.office", edited(space(), "acme-prod", "acme-prod-KEY"), edited(oneRange, "prod.id", "prod[KEY].id"),
		"acme-prod-0:192.0.2.0/24", true},
	{"attachment", "kvs_attachment.shared", webApp + apiApp + store(), edited(attachment, "SHARED", "SHARED_KEY"), "orders-api::SHARED_0",
		false},
	{"window", "kvs_maintenance_window.cache", webApp + edited(store(), "orders-cache", "orders-cache-KEY"),
		edited(window, "cache.id", "cache[KEY].id"), "orders-cache-0", true},
	{"access", "kvs_space_app_access.prod", edited(space(), "acme-prod", "acme-prod-KEY"), edited(access, "prod.id", "prod[KEY].id"),
		"acme-prod-0:member@acme.example", true},
	{"formation", "kvs_formation.web", edited(webApp, "orders-web", "orders-web-KEY"), edited(formation, "web.id", "web[KEY].id"),
		"orders-web-0:web", true},
}

// one returns the configuration without count and for_each.
func (b block) one() string { return edited(b.parents+b.config, "[KEY]", "", "KEY", "0") }

// repeated returns the configuration with count or for_each: some for the resource, and all for its parents if each can have one only.
func (b block) repeated(all, some, key string) string {
	parents, config := b.parents, b.config
	if b.single {
		last := strings.LastIndex(parents, "resource ")
		parents = parents[:last] + strings.Replace(parents[last:], "{", "{\n  "+all, 1)
	}
	return edited(parents+strings.Replace(config, "{", "{\n  "+some, 1), `"KEY"`, key, "[KEY]", "["+key+"]", "KEY", "${"+key+"}")
}

func (b block) count(n int) string {
	return b.repeated("count = 3", fmt.Sprintf("count = %d", n), "count.index")
}

func (b block) each(keys string) string {
	return b.repeated(`for_each = toset(["7", "8", "9"])`, "for_each = toset("+keys+")", "each.key")
}

// refactorings are changes of blocks, none of which may change an object that the plan does not name.
func (b block) refactorings() []Experiment {
	parents := edited(b.parents, "[KEY]", "", "KEY", "0")
	kind, name, _ := strings.Cut(b.address, ".")
	renamed := strings.Replace(b.config, kind+`" "`+name, kind+`" "moved`, 1)
	replacing := b.resource == "space" // a replacement orders a space again
	return []Experiment{
		{Name: "a moved block", Before: b.one(), Config: edited(parents+renamed, "[KEY]", "", "KEY", "0") + "moved {\n  from = " + b.address +
			"\n  to   = " + kind + ".moved\n}\n", Act: unchanged},
		{Name: "a removed block that keeps it, and its import", Before: b.one(), Config: parents + "removed {\n  from = " + b.address +
			"\n  lifecycle {\n    destroy = false\n  }\n}\n",
			Act: func(l *Harness) *Trial {
				trial := l.Apply()
				l.Disown(b.address)
				return trial
			},
			After: b.one() + "import {\n  to = " + b.address + "\n  id = \"" + b.id + "\"\n}\n"},
		{Name: "a count that shrinks", Before: b.count(3), Config: b.count(1), Budget: 200},
		{Name: "a count that grows", Before: b.count(1), Config: b.count(3), Budget: 200},
		{Name: "a key that changes", Before: b.each(`["7", "8"]`), Config: b.each(`["7", "9"]`), Budget: 200,
			ExtraOrders: map[bool]int{true: 1}[replacing]},
		{Name: "-replace", Before: b.one(), Config: b.one(), Budget: map[bool]int{true: 200}[replacing],
			ExtraOrders: map[bool]int{true: 1}[replacing],
			Act:         func(l *Harness) *Trial { return l.Apply("-replace=" + b.address) }},
		{Name: "a taint", Before: b.one(), Config: b.one(), Budget: map[bool]int{true: 200}[replacing],
			ExtraOrders: map[bool]int{true: 1}[replacing],
			Act: func(l *Harness) *Trial {
				l.Record("taint", b.address)
				return l.Apply()
			}},
	}
}

// unchanged applies, and checks that only reads are sent.
func unchanged(l *Harness) *Trial {
	trial := l.Apply()
	for _, request := range trial.Requests {
		if request.Method != "GET" {
			l.T.Errorf("%s %s was sent, and nothing was to change", request.Method, request.Path)
		}
	}
	return trial
}

// mixed returns a configuration of several resource types. Names begin with prefix, so that two can be in one account.
func mixed(prefix string) string {
	return edited(space()+ranges+`
resource "kvs_app" "web" {
  count = 4
  name  = "orders-web-${count.index}"
}

resource "kvs_app" "inside" {
  name     = "orders-inside"
  space_id = kvs_private_space.prod.id
}

resource "kvs_instance" "cache" {
  count               = 4
  app_id              = kvs_app.web[count.index].id
  plan                = "premium-0"
  name                = "orders-cache-${count.index}"
  timeout             = 60
  deletion_protection = false
}

resource "kvs_instance" "second" {
  count               = 3
  app_id              = kvs_app.web[0].id
  plan                = "mini"
  name                = "orders-second-${count.index}"
  deletion_protection = false
}

resource "kvs_instance" "inside" {
  app_id              = kvs_app.inside.id
  plan                = "private-7"
  name                = "orders-inside"
  deletion_protection = false
}

resource "kvs_attachment" "next" {
  count       = 3
  app_id      = kvs_app.web[count.index + 1].id
  instance_id = kvs_instance.cache[count.index].id
  name        = "NEXT"
}

resource "kvs_maintenance_window" "cache" {
  count       = 4
  instance_id = kvs_instance.cache[count.index].id
  day         = "Monday"
  time        = "22:30"
}
`, "orders-", prefix+"-orders-", "acme-prod", prefix+"-acme-prod")
}

// manyObjects returns experiments with many objects at a time.
func manyObjects() []Experiment {
	var all []Experiment
	for _, n := range []int{1, 10, 50} {
		args := fmt.Sprintf("-parallelism=%d", n)
		all = append(all,
			Experiment{Name: "created with " + args, Config: mixed("a"), Budget: map[bool]int{true: 500, false: 400}[n == 1], // one at a time, no two waits share a poll
				Act: func(l *Harness) *Trial { return l.Apply(args) }},
			Experiment{Name: "changed with " + args, Before: mixed("a"),
				Config: edited(mixed("a"), "= 60", "= 90", "premium-0", "premium-1", "NEXT", "OTHER", "Monday", "Friday", "192.0.2", "198.51.100"),
				Budget: 600, Act: func(l *Harness) *Trial { return l.Apply(args) }},
			Experiment{Name: "destroyed with " + args, Before: mixed("a"), Config: mixed("a"), Destroyed: true, Budget: 400,
				Act: func(l *Harness) *Trial { return l.Destroy(args) }},
		)
	}
	return append(all, Experiment{Name: "two applies at once on one account", Config: mixed("a"), Budget: 400,
		Act: func(l *Harness) *Trial { return bothAtOnce(l, mixed("b")) }})
}

func refusedSpace(name string, act func(*Harness) *Trial) Experiment {
	whole := edited(space(), "deletion_protection = false", "")
	return Experiment{Name: name, Kind: protection, Before: whole, Config: whole, Act: act, Exit: 1, RuleError: true,
		Says: "Private Space is protected from deletion"}
}

// protectedSpaces returns experiments in which a protected space leaves the configuration.
func protectedSpaces() []Experiment {
	counted := func(n int) string {
		return edited(space(fmt.Sprintf("count = %d", n)), "deletion_protection = false", "", "acme-prod", "acme-prod-${count.index}")
	}
	const says = "Private Space is protected from deletion"
	return []Experiment{
		{Name: "a count that shrinks with protection on", Kind: protection, Before: counted(2), Config: counted(1), After: counted(2), Exit: 1,
			RuleError: true, Says: says},
		{Name: "a block that is gone is refused", Kind: protection, Before: counted(2), Config: webApp, After: counted(2) + webApp, Exit: 1,
			RuleError: true, Says: says},
	}
}

func planned(l *Harness) *Trial { return l.Plan() }

func tinyPages(o *sandbox.Options) { o.PageSize = 1 }

// twoAtOnce applies a second configuration, with a store on the same app, at the same time.
func twoAtOnce(l *Harness) *Trial {
	return bothAtOnce(l, edited(store(), "kvs_app.web.id", "data.kvs_app.web.id", "orders-cache",
		"billing-cache")+"data \"kvs_app\" \"web\" {\n  name = \"orders-web\"\n}\n")
}

// bothAtOnce applies somebody else's configuration at the same time.
func bothAtOnce(l *Harness, theirs string) *Trial {
	other := l.Beside(theirs)
	beside := other.Start(applyX...)
	ours := l.Begin(applyX...)
	if theirs := beside.Wait(); theirs.Code != 0 {
		l.T.Errorf("the other apply exits %d:\n%s", theirs.Code, theirs.Output())
	}
	trial := ours.End()
	l.DisownAll(other)
	return trial
}

// writeOnly returns experiments with a write-only secret, which must be in no state, plan, output or log, however the request ends.
func writeOnly() []Experiment {
	const drain = "https://user:hunter2-canary@logs.example.com/in"
	config := space("log_drain_url_wo         = var.drain", "log_drain_url_wo_version = 1") +
		"variable \"drain\" {\n  type      = string\n  sensitive = true\n  ephemeral = true\n}\n"
	endings := map[string]struct {
		do   sandbox.Effect
		exit int
	}{
		"refused":            {sandbox.Effect{Status: 422, Body: text(`{"id":"invalid_params","message":"` + drain + ` is not good"}`)}, 1},
		"reset after commit": {sandbox.Effect{Commit: true, Reset: true}, 0},
		"failing for good":   {sandbox.Effect{Status: 503}, 1},
		"stuck":              {sandbox.Effect{Provisioning: "stuck"}, 0},
		"repeated in a page": {sandbox.Effect{Status: 200, Body: text("<html>" + drain)}, 1},
	}
	var experiments []Experiment
	for name, ending := range endings {
		e := Experiment{
			Name: "a write-only value, " + name, Kind: "a write-only value", Always: ending.do.Body != nil, Config: config,
			Secrets: []string{drain, "hunter2-canary"}, Exit: ending.exit,
			Outside:        func(l *Harness) { l.CLI.Env = append(l.CLI.Env, "TF_VAR_drain="+drain) },
			InjectedFaults: []sandbox.Fault{{Match: on("POST", "/spaces"), Do: ending.do}}, Budget: 250, // for 45 minutes of polls
		}
		if name == "reset after commit" {
			e.InjectedFaults[0].Match.Times = 1
		}
		experiments = append(experiments, e)
	}
	return experiments
}

// The token is sent to no other host, even if Heroku redirects to one.
func TestAccRedirects(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if r.Header.Get("Authorization") != "" {
			t.Errorf("the token went to another host with %s %s", r.Method, r.URL.Path)
		}
		_, _ = w.Write([]byte(`{}`))
	}))
	t.Cleanup(elsewhere.Close)
	for name, match := range map[string]sandbox.Match{"a read": on("GET", "/apps/*"), "an order": on("POST", "/apps/*/addons")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			Experiment{Before: webApp, Config: webApp + store(), Exit: 1, InjectedFaults: []sandbox.Fault{{Match: match, Do: sandbox.Effect{
				Status: 307, Body: text(""), Headers: map[string]string{"Location": elsewhere.URL + "/apps/x"}}}}}.Run(t)
		})
	}
	t.Cleanup(func() {
		if asked.Load() != 0 {
			t.Errorf("%d requests followed a redirect to another host", asked.Load())
		}
	})
}
