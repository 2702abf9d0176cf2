// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package faultmatrix

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// resourceCase is a resource of the matrix, with its configuration, the facts that result from it, and outside changes.
type resourceCase struct {
	resource, label string
	parents         string      // configuration of the objects that it depends on
	attributes      [][2]string // names and HCL expressions
	facts           []string    // facts of the resource and its parents
	id              string      // import ID
	unique          bool        // its name is unique at Heroku, so that a second object of that name is refused
	replaced        []string    // beginnings of facts that are absent or new while it is replaced

	change      [2]string // an attribute and another value of it
	afterChange factEdit

	several        func(n int) string // configuration of the parents of n objects
	nth            [][2]string        // attributes of the n-th object, with N for the number
	factsOf        func(i int) []string
	sharedFacts    []string // facts of the parents of several objects
	outsideChanges []outsideChange
	otherValues    [][2]string // other spellings of attributes, each of which is refused or means the same
}

// factEdit returns the facts after a change.
type factEdit func([]string) []string

// outsideChange is a change that somebody makes beside Terraform.
type outsideChange struct {
	name      string
	does      func(*Harness)
	facts     factEdit // facts after the change
	stays     factEdit // what remains of the change after an apply; nothing if nil
	warns     string   // expression that a warning of the next plan matches
	overtaken factEdit // facts after an apply whose plan was made before the change, unless that combines both
	gone      bool     // the change removes the object, so that no plan can be made before it
	same      bool     // the change is to the attribute that resourceCase.change changes
	reset     bool     // an apply whose plan was made before the change may undo it
	stops     bool     // an apply whose plan was made before the change is refused
}

func (p resourceCase) address() string { return p.resource + "." + p.label }

// block returns the resource block with a label and other attributes, as pairs of name and expression. An empty expression leaves the
// attribute out. An expression with an empty name is added as a line.
func (p resourceCase) block(label string, others ...[2]string) string {
	attributes := slices.Clone(p.attributes)
	var more []string
	for _, other := range others {
		at := slices.IndexFunc(attributes, func(a [2]string) bool { return a[0] == other[0] })
		switch {
		case other[0] == "":
			more = append(more, other[1])
		case at >= 0:
			attributes[at] = other
		default:
			attributes = append(attributes, other)
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\nresource %q %q {\n", p.resource, label)
	for _, line := range more {
		fmt.Fprintf(&b, "  %s\n", line)
	}
	for _, a := range attributes {
		if a[1] != "" {
			fmt.Fprintf(&b, "  %s = %s\n", a[0], a[1])
		}
	}
	b.WriteString("}\n")
	return b.String()
}

// config returns the configuration of the resource and its parents.
func (p resourceCase) config(others ...[2]string) string {
	return p.parents + p.block(p.label, others...)
}

func (p resourceCase) changed() string { return p.config(p.change) }

// many returns the configuration of n objects. number is the HCL expression for the number, and meta the count or for_each.
func (p resourceCase) many(n int, meta, number string) string {
	others := [][2]string{{"", meta}}
	for _, a := range p.nth {
		others = append(others, [2]string{a[0], strings.ReplaceAll(a[1], "N", number)})
	}
	return p.several(n) + p.block(p.label, others...)
}

// factsOfMany returns the facts of n objects.
func (p resourceCase) factsOfMany(n int) []string {
	all := slices.Clone(p.sharedFacts)
	for i := range n {
		all = append(all, p.factsOf(i)...)
	}
	slices.Sort(all)
	return all
}

// rewritten replaces text in all facts.
func rewritten(oldnew ...string) factEdit {
	return func(facts []string) []string {
		var all []string
		for _, fact := range facts {
			if fact = strings.NewReplacer(oldnew...).Replace(fact); fact != "" {
				all = append(all, fact)
			}
		}
		slices.Sort(all)
		return all
	}
}

// without removes the facts that begin with these words.
func without(beginnings ...string) factEdit {
	return func(facts []string) []string {
		return slices.DeleteFunc(slices.Clone(facts), func(fact string) bool {
			return slices.ContainsFunc(beginnings, func(b string) bool { return strings.HasPrefix(fact+" ", b+" ") })
		})
	}
}

func with(more ...string) factEdit {
	return func(facts []string) []string {
		all := slices.Concat(facts, more)
		slices.Sort(all)
		return slices.Compact(all)
	}
}

func both(first, second factEdit) factEdit {
	return func(facts []string) []string { return second(first(facts)) }
}

func asIs(facts []string) []string { return facts }

var (
	factsWeb   = []string{"app orders-web", "app orders-web team acme"}
	factsAPI   = []string{"app orders-api"}
	factsStore = []string{"app orders-web has REDIS_URL of orders-cache", "store orders-cache", "store orders-cache app orders-web",
		"store orders-cache plan premium-0"}
	factsShared = []string{"app orders-api has SHARED_URL of orders-cache"}
	factsSpace  = []string{"space acme-prod", "space acme-prod region virginia", "space acme-prod team acme"}
)

func joinFacts(all ...[]string) []string {
	facts := slices.Concat(all...)
	slices.Sort(facts)
	return facts
}

const (
	webBlock   = "\nresource \"kvs_app\" \"web\" {\n  name = \"orders-web\"\n  team = \"acme\"\n}\n"
	apiBlock   = "\nresource \"kvs_app\" \"api\" {\n  name = \"orders-api\"\n}\n"
	storeBlock = `
resource "kvs_instance" "cache" {
  app_id              = kvs_app.web.id
  plan                = "premium-0"
  name                = "orders-cache"
  deletion_protection = false
}
`
	spaceBlock = "\nresource \"kvs_private_space\" \"prod\" {\n  name                = \"acme-prod\"\n" +
		"  team                = \"acme\"\n  deletion_protection = false\n}\n"
	dataWeb   = "\ndata \"kvs_app\" \"web\" {\n  name = \"orders-web\"\n}\n"
	dataAPI   = "\ndata \"kvs_app\" \"api\" {\n  name = \"orders-api\"\n}\n"
	dataStore = "\ndata \"kvs_instance\" \"cache\" {\n  name = \"orders-cache\"\n}\n"
	dataSpace = "\ndata \"kvs_private_space\" \"prod\" {\n  name = \"acme-prod\"\n}\n"
)

// counted adds a count to a block and the number to its name, and to the attachment name of a store.
func counted(block string, n int, name string) string {
	numbered := name + "-${count.index}\""
	block = strings.NewReplacer("{\n", fmt.Sprintf("{\n  count = %d\n", n), name+`"`, numbered).Replace(block)
	return strings.Replace(block, `"orders-cache-${count.index}"`,
		"\"orders-cache-${count.index}\"\n  attachment_name = \"CACHE_${count.index}\"", 1)
}

// sent sends a request as somebody else, and advances the clock until it has taken effect.
func sent(method, path, body string) func(*Harness) {
	return func(l *Harness) {
		l.Request(method, path, body)
		l.Clock().Advance(time.Hour)
		l.Request("GET", "/apps", "")
	}
}

func admits(ranges string) func(*Harness) {
	var rules []string
	for source := range strings.FieldsSeq(ranges) {
		rules = append(rules, fmt.Sprintf(`{"action":"allow","source":%q}`, source))
	}
	return sent("PUT", "/spaces/acme-prod/inbound-ruleset", `{"rules":[`+strings.Join(rules, ",")+`]}`)
}

func setsWindow(day, time string) func(*Harness) {
	return func(l *Harness) {
		l.T.Helper()
		client := l.Client(l.T)
		store, err := client.FindAddOn(l.T.Context(), "orders-cache")
		if err == nil {
			_, err = client.SetMaintenanceWindow(l.T.Context(), store.ID, day, time)
		}
		if err != nil {
			l.T.Fatal(err)
		}
	}
}

// detaches takes an attachment away.
func detaches(app, name string) func(*Harness) {
	return func(l *Harness) {
		l.T.Helper()
		found, err := l.Client(l.T).AppAttachment(l.T.Context(), app, name)
		if err == nil {
			err = l.Client(l.T).DeleteAttachment(l.T.Context(), found.ID)
		}
		if err != nil {
			l.T.Fatal(err)
		}
	}
}

const (
	openSpace = "space acme-prod admits 0.0.0.0/0"
	setRanges = "space acme-prod admits 192.0.2.0/24"

	letsMember = "space acme-prod lets member@acme.example create apps"
	runsWorker = "app orders-web runs worker on 2 Standard-1X"
)

// theirs are the additional facts after a re-pointing by hand.
var theirs = []string{"app orders-api has THEIRS_URL of their-cache", "store their-cache", "store their-cache app orders-api",
	"store their-cache plan premium-0"}

func resourceCases() []resourceCase {
	return []resourceCase{
		{
			resource: "kvs_app", label: "web", id: "orders-web", unique: true,
			attributes: [][2]string{{"name", `"orders-web"`}, {"team", `"acme"`}, {"region", `"us"`}, {"maintenance", "false"}},
			facts:      factsWeb, replaced: []string{"app orders-web"},
			change: [2]string{"maintenance", "true"}, afterChange: with("app orders-web maintenance"),
			several: func(int) string { return "" }, nth: [][2]string{{"name", `"orders-web-${N}"`}},
			factsOf: func(i int) []string {
				return []string{fmt.Sprintf("app orders-web-%d", i), fmt.Sprintf("app orders-web-%d team acme", i)}
			},
			outsideChanges: []outsideChange{
				{name: "renamed", does: sent("PATCH", "/apps/orders-web", `{"name":"orders-www"}`), facts: rewritten("orders-web", "orders-www")},
				{name: "put into maintenance mode", does: sent("PATCH", "/apps/orders-web", `{"maintenance":true}`),
					facts: with("app orders-web maintenance"), same: true},
				{name: "transferred", does: sent("PATCH", "/teams/apps/orders-web", `{"owner":"acme-data"}`),
					facts: rewritten("team acme", "team acme-data")},
				{name: "deleted", does: sent("DELETE", "/apps/orders-web", ""), facts: without("app orders-web"), gone: true},
			},
			otherValues: [][2]string{
				{"name", `""`}, {"name", `"Orders-Web"`}, {"name", `" orders-web "`}, {"name", `"01234567-89ab-4cde-8f01-23456789abcd"`},
				{"team", `""`}, {"team", `"ACME"`}, {"team", `" acme"`}, {"team", `"01234567-89ab-4cde-8f01-23456789abcd"`},
				{"region", "null"}, {"region", `""`}, {"region", `"US"`}, {"region", `" us "`}, {"region", `"59accabd-516d-4f0e-83e6-6e3757701145"`},
				{"maintenance", "null"}, {"internal_routing", "null"}, {"internal_routing", "false"},
				{"space_id", "null"}, {"space_id", `""`}, {"space_id", `" "`}, {"space_id", `"acme-prod"`},
			},
		},
		{
			resource: "kvs_private_space", label: "prod", id: "acme-prod", unique: true,
			attributes: [][2]string{
				{"name", `"acme-prod"`}, {"team", `"acme"`}, {"region", `"virginia"`}, {"cidr", `"10.0.0.0/16"`}, {"data_cidr", `"172.23.0.0/18"`},
				{"shield", "false"}, {"deletion_protection", "false"},
			},
			facts: joinFacts(factsSpace, []string{openSpace}), replaced: []string{"space acme-prod"},
			change: [2]string{"name", `"acme-live"`}, afterChange: rewritten("acme-prod", "acme-live"),
			several: func(int) string { return "" }, nth: [][2]string{{"name", `"acme-prod-${N}"`}},
			factsOf: func(i int) []string {
				return rewritten("acme-prod", fmt.Sprintf("acme-prod-%d", i))(joinFacts(factsSpace, []string{openSpace}))
			},
			outsideChanges: []outsideChange{
				{name: "renamed", does: sent("PATCH", "/spaces/acme-prod", `{"name":"acme-other"}`),
					facts: rewritten("acme-prod", "acme-other"), same: true},
				{name: "transferred", does: sent("POST", "/spaces/acme-prod/transfer", `{"new_owner":"acme-data"}`),
					facts: rewritten("team acme", "team acme-data")},
				{name: "deleted", does: sent("DELETE", "/spaces/acme-prod", ""), facts: without("space acme-prod"), gone: true},
			},
			otherValues: [][2]string{
				{"name", `""`}, {"name", `"Acme-Prod"`}, {"name", `" acme-prod "`},
				{"team", `""`}, {"team", `"ACME"`}, {"team", `" acme"`}, {"team", `"01234567-89ab-4cde-8f01-23456789abcd"`},
				{"region", "null"}, {"region", `""`}, {"region", `"Virginia"`}, {"region", `" virginia "`},
				{"region", `"01234567-89ab-4cde-8f01-23456789abcd"`},
				{"cidr", "null"}, {"cidr", `""`}, {"cidr", `" 10.0.0.0/16 "`}, {"cidr", `"10.0.0.1/16"`},
				{"data_cidr", "null"}, {"data_cidr", `""`}, {"data_cidr", `"172.23.0.0/18 "`},
				{"shield", "null"}, {"log_drain_url_wo_version", "null"},
			},
		},
		{
			resource: "kvs_trusted_ip_ranges", label: "prod", id: "acme-prod", parents: spaceBlock,
			attributes: [][2]string{{"space_id", "kvs_private_space.prod.id"}, {"ranges",
				`{ "192.0.2.0/24" = { description = "office" } }`}, {"on_destroy", `"keep"`}},
			facts:       joinFacts(factsSpace, []string{setRanges}),
			change:      [2]string{"ranges", `{ "192.0.2.0/24" = {}, "198.51.100.0/24" = {} }`},
			afterChange: rewritten("192.0.2.0/24", "192.0.2.0/24 198.51.100.0/24"),
			several:     func(n int) string { return counted(spaceBlock, n, "acme-prod") },
			nth:         [][2]string{{"space_id", "kvs_private_space.prod[N].id"}},
			factsOf: func(i int) []string {
				return rewritten("acme-prod", fmt.Sprintf("acme-prod-%d", i))(joinFacts(factsSpace, []string{setRanges}))
			},
			outsideChanges: []outsideChange{
				{name: "one added", does: admits("192.0.2.0/24 203.0.113.0/24"), facts: rewritten("192.0.2.0/24",
					"192.0.2.0/24 203.0.113.0/24"), stops: true},
				{name: "another one", does: admits("203.0.113.0/24"), facts: rewritten("192.0.2.0/24", "203.0.113.0/24"), stops: true},
				{name: "opened", does: admits(internet), facts: rewritten("192.0.2.0/24", internet), stops: true, warns: `0\.0\.0\.0/0`},
			},
			otherValues: [][2]string{
				{"space_id", `""`}, {"space_id", `"acme-prod"`}, {"space_id", `upper(kvs_private_space.prod.id)`},
				{"space_id", `" ${kvs_private_space.prod.id} "`},
				{"ranges", `{ "192.0.2.1/24" = {} }`}, {"ranges", `{ " 192.0.2.0/24" = {} }`}, {"ranges", `{ "" = {} }`},
				{"on_destroy", "null"}, {"on_destroy", `""`}, {"on_destroy", `"KEEP"`}, {"on_destroy", `" keep"`},
			},
		},
		{
			resource: "kvs_trusted_ip_range", label: "office", id: "acme-prod:192.0.2.0/24", parents: spaceBlock,
			attributes: [][2]string{{"space_id", "kvs_private_space.prod.id"}, {"range", `"192.0.2.0/24"`}, {"description", `"office"`},
				{"closes_space", "true"}, {"expires_at", `"2099-12-18T00:00:00Z"`}},
			facts: joinFacts(factsSpace, []string{setRanges}), replaced: []string{"space acme-prod admits"},
			change: [2]string{"range", `"198.51.100.0/24"`}, afterChange: rewritten("192.0.2.0/24", "198.51.100.0/24"),
			several: func(n int) string { return counted(spaceBlock, n, "acme-prod") },
			nth:     [][2]string{{"space_id", "kvs_private_space.prod[N].id"}},
			factsOf: func(i int) []string {
				return rewritten("acme-prod", fmt.Sprintf("acme-prod-%d", i))(joinFacts(factsSpace, []string{setRanges}))
			},
			outsideChanges: []outsideChange{
				{name: "another one added", does: admits("192.0.2.0/24 203.0.113.0/24"), facts: rewritten("/24", "/24 203.0.113.0/24"),
					stays: rewritten("/24", "/24 203.0.113.0/24")},
				{name: "removed", does: admits("203.0.113.0/24"), facts: rewritten("192.0.2.0/24", "203.0.113.0/24"),
					stays: rewritten("/24", "/24 203.0.113.0/24"), gone: true, warns: "gone"},
				{name: "opened", does: admits(internet + " 192.0.2.0/24"), facts: rewritten("192.0.2.0/24", internet+" 192.0.2.0/24"), reset: true,
					warns: `0\.0\.0\.0/0`},
			},
			otherValues: [][2]string{
				{"space_id", `""`}, {"space_id", `"acme-prod"`}, {"space_id", `upper(kvs_private_space.prod.id)`},
				{"space_id", `" ${kvs_private_space.prod.id} "`},
				{"range", `""`}, {"range", `"192.0.2.1/24"`}, {"range", `" 192.0.2.0/24"`}, {"range", `"192.0.2.0"`},
				{"expires_at", "null"}, {"expires_at", `""`}, {"expires_at", `"2099-12-18T01:00:00+01:00"`}, {"expires_at", `"2099-12-18"`},
			},
		},
		{
			resource: "kvs_instance", label: "cache", id: "orders-cache", parents: webBlock, unique: true,
			attributes: [][2]string{
				{"app_id", "kvs_app.web.id"}, {"plan", `"premium-0"`}, {"name", `"orders-cache"`}, {"version", `"7.2"`}, {"timeout", "300"},
				{"maxmemory_policy", `"noeviction"`}, {"notify_keyspace_events", `""`}, {"attachment_name", `"REDIS"`},
				{"outside_space", "false"}, {"deletion_protection", "false"},
			},
			facts: joinFacts(factsWeb, factsStore), replaced: []string{"store orders-cache", "app orders-web has REDIS_URL"},
			change: [2]string{"timeout", "60"}, afterChange: with("store orders-cache timeout 60"),
			several: func(int) string { return webBlock }, nth: [][2]string{{"name", `"orders-cache-${N}"`}, {"attachment_name", `"CACHE_${N}"`}},
			factsOf: func(i int) []string {
				return rewritten("orders-cache", fmt.Sprintf("orders-cache-%d", i), "REDIS_URL", fmt.Sprintf("CACHE_%d_URL", i))(factsStore)
			}, sharedFacts: factsWeb,
			outsideChanges: []outsideChange{
				{name: "on another plan", does: sent("PATCH", "/apps/orders-web/addons/orders-cache", `{"plan":"heroku-redis:mini"}`),
					facts: rewritten("premium-0", "mini")},
				{name: "renamed", does: sent("PATCH", "/apps/orders-web/addons/orders-cache", `{"name":"orders-other"}`),
					facts: rewritten("orders-cache", "orders-other")},
				{name: "another timeout", does: sent("PATCH", "/redis/v0/databases/orders-cache/config", `{"timeout":17}`),
					facts: with("store orders-cache timeout 17"), same: true},
				{name: "another policy", does: sent("PATCH", "/redis/v0/databases/orders-cache/config",
					`{"maxmemory_policy":"allkeys-lru"}`), facts: with("store orders-cache policy allkeys-lru"), reset: true},
				{name: "other events", does: sent("PATCH", "/redis/v0/databases/orders-cache/config",
					`{"notify_keyspace_events":"KE$"}`), facts: with("store orders-cache events $KE"), reset: true},
				{name: "attached once more", does: sent("POST", "/addon-attachments", `{"addon":"orders-cache","app":"orders-web","name":"BESIDE"}`),
					facts: with("app orders-web has BESIDE_URL of orders-cache"), stays: with("app orders-web has BESIDE_URL of orders-cache")},
				{name: "its app renamed", does: sent("PATCH", "/apps/orders-web", `{"name":"orders-www"}`),
					facts: rewritten("orders-web", "orders-www")},
				{name: "deleted", does: sent("DELETE", "/apps/orders-web/addons/orders-cache", `{"force":true}`),
					facts: without("store orders-cache", "app orders-web has"), gone: true, warns: "empty|gone|no longer"},
			},
			otherValues: [][2]string{
				{"app_id", `""`}, {"app_id", `"orders-web"`}, {"app_id", "upper(kvs_app.web.id)"}, {"app_id", `" ${kvs_app.web.id} "`},
				{"plan", `""`}, {"plan", `"Premium-0"`}, {"plan", `" premium-0 "`}, {"plan", `"heroku-redis:premium-0"`},
				{"plan", `"HEROKU-REDIS:premium-0"`},
				{"name", "null"}, {"name", `""`}, {"name", `" orders-cache "`},
				{"version", "null"}, {"version", `""`}, {"version", `" 7.2 "`}, {"version", `"7"`}, {"version", "7.2"},
				{"timeout", "null"}, {"timeout", `"300"`}, {"timeout", "1.5"}, {"timeout", "-1"}, {"timeout", "1e30"},
				{"maxmemory_policy", "null"}, {"maxmemory_policy", `""`}, {"maxmemory_policy", `"NoEviction"`}, {"maxmemory_policy", `" noeviction"`},
				{"notify_keyspace_events", "null"}, {"notify_keyspace_events", `" "`},
				{"attachment_name", "null"}, {"attachment_name", `""`}, {"attachment_name", `"redis"`},
				{"attachment_name", `" REDIS "`}, {"attachment_name", `"REDIS_URL"`},
				{"outside_space", "null"}, {"migration", "null"}, {"migration", "{}"}, {"migration", "{ strategy = null, retire = null }"},
				{"migration", `{ strategy = "" }`}, {"migration", `{ retire = "Never" }`}, {"fork", "null"}, {"fork", "{}"},
				{"fork", "{ instance_id = null }"}, {"fork", `{ instance_id = "" }`},
				{"timeouts", "null"}, {"timeouts", "{}"}, {"timeouts", `{ create = "" }`}, {"timeouts", `{ create = "-5m" }`},
				{"timeouts", `{ create = " 5m " }`},
			},
		},
		{
			resource: "kvs_attachment", label: "shared", id: "orders-api::SHARED", parents: webBlock + apiBlock + storeBlock,
			attributes: [][2]string{{"app_id", "kvs_app.api.id"}, {"instance_id", "kvs_instance.cache.id"}, {"name", `"SHARED"`}},
			facts:      joinFacts(factsWeb, factsAPI, factsStore, factsShared), replaced: []string{"app orders-api has SHARED_URL"},
			change: [2]string{"name", `"JOINT"`}, afterChange: rewritten("SHARED_URL", "JOINT_URL"),
			several: func(int) string { return webBlock + apiBlock + storeBlock }, nth: [][2]string{{"name", `"SHARED_${N}"`}},
			factsOf:     func(i int) []string { return rewritten("SHARED", fmt.Sprintf("SHARED_%d", i))(factsShared) },
			sharedFacts: joinFacts(factsWeb, factsAPI, factsStore),
			outsideChanges: []outsideChange{
				{name: "re-pointed", does: repoints("orders-api", "SHARED"), facts: both(rewritten("SHARED_URL of orders-cache",
					"SHARED_URL of their-cache"), with(theirs...)), stays: with(theirs...),
					overtaken: both(with(theirs...), with("app orders-api has SHARED_URL of their-cache"))},
				{name: "attached under another name", does: func(l *Harness) {
					l.Request("POST", "/addon-attachments", `{"addon":"orders-cache","app":"orders-api","name":"BESIDE"}`)
					detaches("orders-api", "SHARED")(l)
				}, facts: rewritten("SHARED_URL", "BESIDE_URL"), stays: with("app orders-api has BESIDE_URL of orders-cache"), gone: true},
				{name: "its app renamed", does: sent("PATCH", "/apps/orders-api", `{"name":"orders-apis"}`),
					facts: rewritten("orders-api", "orders-apis")},
				{name: "deleted", does: detaches("orders-api", "SHARED"), facts: without("app orders-api has SHARED_URL"),
					gone: true, warns: "gone|no longer|detached|deleted"},
			},
			otherValues: [][2]string{
				{"app_id", `""`}, {"app_id", `"orders-api"`}, {"app_id", "upper(kvs_app.api.id)"}, {"app_id", `" ${kvs_app.api.id} "`},
				{"instance_id", `""`}, {"instance_id", `"orders-cache"`}, {"instance_id", "upper(kvs_instance.cache.id)"},
				{"instance_id", `" ${kvs_instance.cache.id} "`},
				{"name", "null"}, {"name", `""`}, {"name", `"shared"`}, {"name", `" SHARED "`}, {"name", `"SHARED_URL"`},
			},
		},
		{
			resource: "kvs_maintenance_window", label: "cache", id: "orders-cache", parents: webBlock + storeBlock,
			attributes: [][2]string{{"instance_id", "kvs_instance.cache.id"}, {"day", `"Monday"`}, {"time", `"22:30"`}},
			facts:      joinFacts(factsWeb, factsStore, []string{"store orders-cache window Mondays 22:30"}),
			change:     [2]string{"day", `"Friday"`}, afterChange: rewritten("Mondays", "Fridays"),
			several: func(n int) string { return webBlock + counted(storeBlock, n, "orders-cache") },
			nth:     [][2]string{{"instance_id", "kvs_instance.cache[N].id"}},
			factsOf: func(i int) []string {
				return rewritten("orders-cache", fmt.Sprintf("orders-cache-%d", i),
					"REDIS_URL", fmt.Sprintf("CACHE_%d_URL", i))(joinFacts(factsStore, []string{"store orders-cache window Mondays 22:30"}))
			}, sharedFacts: factsWeb,
			outsideChanges: []outsideChange{
				{name: "another one", does: setsWindow("sunday", "02:30"), facts: rewritten("Mondays 22:30", "Sundays 02:30"), same: true},
			},
			otherValues: [][2]string{
				{"instance_id", `""`}, {"instance_id", `"orders-cache"`}, {"instance_id", "upper(kvs_instance.cache.id)"},
				{"instance_id", `" ${kvs_instance.cache.id} "`},
				{"day", `""`}, {"day", `"monday"`}, {"day", `"MONDAY"`}, {"day", `" Monday "`}, {"day", `"Mon"`},
				{"time", `""`}, {"time", `" 22:30 "`}, {"time", `"22:30:00"`}, {"time", `"10:30 PM"`},
			},
		},
		{
			resource: "kvs_space_app_access", label: "prod", id: "acme-prod:member@acme.example", parents: spaceBlock,
			attributes: [][2]string{{"space_id", "kvs_private_space.prod.id"}, {"email", `"member@acme.example"`},
				{"permissions", `["create_apps"]`}},
			facts:    joinFacts(factsSpace, []string{openSpace, letsMember}),
			replaced: []string{letsMember},
			change:   [2]string{"permissions", "[]"}, afterChange: without("space acme-prod lets"),
			several: func(n int) string { return counted(spaceBlock, n, "acme-prod") },
			nth:     [][2]string{{"space_id", "kvs_private_space.prod[N].id"}},
			factsOf: func(i int) []string {
				return rewritten("acme-prod", fmt.Sprintf("acme-prod-%d", i))(joinFacts(factsSpace, []string{openSpace, letsMember}))
			},
			outsideChanges: []outsideChange{
				{name: "taken away", does: sent("PATCH", "/spaces/acme-prod/members/member@acme.example", `{"permissions":[]}`),
					facts: without("space acme-prod lets"), same: true},
				{name: "its space renamed", does: sent("PATCH", "/spaces/acme-prod", `{"name":"acme-other"}`),
					facts: rewritten("acme-prod", "acme-other")},
			},
			otherValues: [][2]string{
				{"space_id", `""`}, {"space_id", `"acme-prod"`}, {"space_id", `upper(kvs_private_space.prod.id)`},
				{"email", `""`}, {"email", `"Member@ACME.example"`}, {"email", `" member@acme.example "`}, {"email", `"member"`},
				{"permissions", "null"}, {"permissions", `[""]`}, {"permissions", `["CREATE_APPS"]`}, {"permissions", `["create_apps", "create_apps"]`},
			},
		},
		{
			resource: "kvs_formation", label: "web", id: "orders-web:worker", parents: webBlock,
			attributes: [][2]string{{"app_id", "kvs_app.web.id"}, {"type", `"worker"`}, {"quantity", "2"}, {"size", `"Standard-1X"`}},
			facts:      joinFacts(factsWeb, []string{runsWorker}),
			change:     [2]string{"quantity", "3"}, afterChange: rewritten("on 2", "on 3"),
			several: func(n int) string { return counted(webBlock, n, "orders-web") },
			nth:     [][2]string{{"app_id", "kvs_app.web[N].id"}},
			factsOf: func(i int) []string {
				return rewritten("orders-web", fmt.Sprintf("orders-web-%d", i))(joinFacts(factsWeb, []string{runsWorker}))
			},
			outsideChanges: []outsideChange{
				{name: "scaled", does: sent("PATCH", "/apps/orders-web/formation/worker", `{"quantity":5}`),
					facts: rewritten("on 2", "on 5"), same: true},
				{name: "another size", does: sent("PATCH", "/apps/orders-web/formation/worker", `{"size":"Standard-2X"}`),
					facts: rewritten("Standard-1X", "Standard-2X")},
				{name: "its app renamed", does: sent("PATCH", "/apps/orders-web", `{"name":"orders-www"}`),
					facts: rewritten("orders-web", "orders-www")},
			},
			otherValues: [][2]string{
				{"app_id", `""`}, {"app_id", `"orders-web"`}, {"app_id", "upper(kvs_app.web.id)"}, {"app_id", `" ${kvs_app.web.id} "`},
				{"type", `""`}, {"type", `"WORKER"`}, {"type", `" worker "`},
				{"quantity", "null"}, {"quantity", `"2"`}, {"quantity", "1.5"}, {"quantity", "-1"}, {"quantity", "1e30"},
				{"size", "null"}, {"size", `""`}, {"size", `"standard-1x"`}, {"size", `" Standard-1X "`}, {"size", `"Private-M"`}, {"size", `"huge"`},
			},
		},
	}
}
