// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package faultmatrix

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// piece is a resource of the matrix, with what it needs, what the configuration says of it, and what is done to it by hand.
type piece struct {
	resource, label string
	parents         string      // blocks that it needs
	attributes      [][2]string // all that it is configured with, as HCL expressions
	said            []string    // the facts of it and of its parents
	id              string      // by which it is imported
	unique          bool        // by its name in all of Heroku: what exists is refused
	replaced        []string    // what is away, or anew, while it is replaced

	change      [2]string // an attribute and another value of it
	afterChange edit

	several     func(n int) string // what n of it need
	nth         [][2]string        // attributes of the n-th, with N for the number
	saidOf      func(i int) []string
	saidOfAll   []string // what the parents of several have, beside
	hands       []hand
	otherValues [][2]string // spellings of an attribute that it must refuse or take as the same
}

// edit is what a change makes of facts.
type edit func([]string) []string

// hand is what somebody does beside Terraform.
type hand struct {
	name      string
	does      func(*Harness)
	facts     edit   // what it makes of them
	stays     edit   // what stays of it once the configuration has been applied; nothing when nil
	warns     string // what the next plan says of it
	overtaken edit   // what there is after a plan that did not know of it, where that is more than both
	gone      bool   // the object, so that nothing can be planned for it beforehand
	same      bool   // what the plan changes too
	reset     bool   // by a plan that did not know of it, maybe: to what the configuration says
	stops     bool   // a saved plan, which would overwrite it
}

func (p piece) address() string { return p.resource + "." + p.label }

// block is the resource, under a label and with other attributes: pairs of name and expression, of which an empty one
// leaves the attribute out. What has no "=" is added as it is.
func (p piece) block(label string, others ...[2]string) string {
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

// config is the resource with what it needs.
func (p piece) config(others ...[2]string) string { return p.parents + p.block(p.label, others...) }

func (p piece) changed() string { return p.config(p.change) }

// many are n of it, numbered by an expression; meta is their count or for_each.
func (p piece) many(n int, meta, number string) string {
	others := [][2]string{{"", meta}}
	for _, a := range p.nth {
		others = append(others, [2]string{a[0], strings.ReplaceAll(a[1], "N", number)})
	}
	return p.several(n) + p.block(p.label, others...)
}

// saidOfMany are the facts of n of it.
func (p piece) saidOfMany(n int) []string {
	all := slices.Clone(p.saidOfAll)
	for i := range n {
		all = append(all, p.saidOf(i)...)
	}
	slices.Sort(all)
	return all
}

// rewritten replaces text in all facts.
func rewritten(oldnew ...string) edit {
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

// without leaves out the facts that begin so.
func without(beginnings ...string) edit {
	return func(facts []string) []string {
		return slices.DeleteFunc(slices.Clone(facts), func(fact string) bool {
			return slices.ContainsFunc(beginnings, func(b string) bool { return strings.HasPrefix(fact+" ", b+" ") })
		})
	}
}

func with(more ...string) edit {
	return func(facts []string) []string {
		all := slices.Concat(facts, more)
		slices.Sort(all)
		return slices.Compact(all)
	}
}

func both(first, second edit) edit {
	return func(facts []string) []string { return second(first(facts)) }
}

func asIs(facts []string) []string { return facts }

// The facts of what the pieces consist of.
var (
	saidWeb   = []string{"app orders-web", "app orders-web team acme"}
	saidAPI   = []string{"app orders-api"}
	saidStore = []string{"app orders-web has REDIS_URL of orders-cache", "store orders-cache", "store orders-cache app orders-web",
		"store orders-cache plan premium-0"}
	saidShared = []string{"app orders-api has SHARED_URL of orders-cache"}
	saidSpace  = []string{"space acme-prod", "space acme-prod region virginia", "space acme-prod team acme"}
)

func saying(all ...[]string) []string {
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

// counted gives a parent a count, and numbers its name; a store's attachment too.
func counted(block string, n int, name string) string {
	numbered := name + "-${count.index}\""
	block = strings.NewReplacer("{\n", fmt.Sprintf("{\n  count = %d\n", n), name+`"`, numbered).Replace(block)
	return strings.Replace(block, `"orders-cache-${count.index}"`,
		"\"orders-cache-${count.index}\"\n  attachment_name = \"CACHE_${count.index}\"", 1)
}

// sent is a request of somebody else's, and what it takes until it is done.
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

// theirs is what a re-pointing by hand brings along.
var theirs = []string{"app orders-api has THEIRS_URL of their-cache", "store their-cache", "store their-cache app orders-api",
	"store their-cache plan premium-0"}

func pieces() []piece {
	return []piece{
		{
			resource: "kvs_app", label: "web", id: "orders-web", unique: true,
			attributes: [][2]string{{"name", `"orders-web"`}, {"team", `"acme"`}, {"region", `"us"`}, {"maintenance", "false"}},
			said:       saidWeb, replaced: []string{"app orders-web"},
			change: [2]string{"maintenance", "true"}, afterChange: with("app orders-web maintenance"),
			several: func(int) string { return "" }, nth: [][2]string{{"name", `"orders-web-${N}"`}},
			saidOf: func(i int) []string {
				return []string{fmt.Sprintf("app orders-web-%d", i), fmt.Sprintf("app orders-web-%d team acme", i)}
			},
			hands: []hand{
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
			said: saying(saidSpace, []string{openSpace}), replaced: []string{"space acme-prod"},
			change: [2]string{"name", `"acme-live"`}, afterChange: rewritten("acme-prod", "acme-live"),
			several: func(int) string { return "" }, nth: [][2]string{{"name", `"acme-prod-${N}"`}},
			saidOf: func(i int) []string {
				return rewritten("acme-prod", fmt.Sprintf("acme-prod-%d", i))(saying(saidSpace, []string{openSpace}))
			},
			hands: []hand{
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
			said:        saying(saidSpace, []string{setRanges}),
			change:      [2]string{"ranges", `{ "192.0.2.0/24" = {}, "198.51.100.0/24" = {} }`},
			afterChange: rewritten("192.0.2.0/24", "192.0.2.0/24 198.51.100.0/24"),
			several:     func(n int) string { return counted(spaceBlock, n, "acme-prod") },
			nth:         [][2]string{{"space_id", "kvs_private_space.prod[N].id"}},
			saidOf: func(i int) []string {
				return rewritten("acme-prod", fmt.Sprintf("acme-prod-%d", i))(saying(saidSpace, []string{setRanges}))
			},
			hands: []hand{
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
			said: saying(saidSpace, []string{setRanges}), replaced: []string{"space acme-prod admits"},
			change: [2]string{"range", `"198.51.100.0/24"`}, afterChange: rewritten("192.0.2.0/24", "198.51.100.0/24"),
			several: func(n int) string { return counted(spaceBlock, n, "acme-prod") },
			nth:     [][2]string{{"space_id", "kvs_private_space.prod[N].id"}},
			saidOf: func(i int) []string {
				return rewritten("acme-prod", fmt.Sprintf("acme-prod-%d", i))(saying(saidSpace, []string{setRanges}))
			},
			hands: []hand{
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
			said: saying(saidWeb, saidStore), replaced: []string{"store orders-cache", "app orders-web has REDIS_URL"},
			change: [2]string{"timeout", "60"}, afterChange: with("store orders-cache timeout 60"),
			several: func(int) string { return webBlock }, nth: [][2]string{{"name", `"orders-cache-${N}"`}, {"attachment_name", `"CACHE_${N}"`}},
			saidOf: func(i int) []string {
				return rewritten("orders-cache", fmt.Sprintf("orders-cache-%d", i), "REDIS_URL", fmt.Sprintf("CACHE_%d_URL", i))(saidStore)
			}, saidOfAll: saidWeb,
			hands: []hand{
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
			said:       saying(saidWeb, saidAPI, saidStore, saidShared), replaced: []string{"app orders-api has SHARED_URL"},
			change: [2]string{"name", `"JOINT"`}, afterChange: rewritten("SHARED_URL", "JOINT_URL"),
			several: func(int) string { return webBlock + apiBlock + storeBlock }, nth: [][2]string{{"name", `"SHARED_${N}"`}},
			saidOf:    func(i int) []string { return rewritten("SHARED", fmt.Sprintf("SHARED_%d", i))(saidShared) },
			saidOfAll: saying(saidWeb, saidAPI, saidStore),
			hands: []hand{
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
			said:       saying(saidWeb, saidStore, []string{"store orders-cache window Mondays 22:30"}),
			change:     [2]string{"day", `"Friday"`}, afterChange: rewritten("Mondays", "Fridays"),
			several: func(n int) string { return webBlock + counted(storeBlock, n, "orders-cache") },
			nth:     [][2]string{{"instance_id", "kvs_instance.cache[N].id"}},
			saidOf: func(i int) []string {
				return rewritten("orders-cache", fmt.Sprintf("orders-cache-%d", i),
					"REDIS_URL", fmt.Sprintf("CACHE_%d_URL", i))(saying(saidStore, []string{"store orders-cache window Mondays 22:30"}))
			}, saidOfAll: saidWeb,
			hands: []hand{
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
			said:     saying(saidSpace, []string{openSpace, letsMember}),
			replaced: []string{letsMember},
			change:   [2]string{"permissions", "[]"}, afterChange: without("space acme-prod lets"),
			several: func(n int) string { return counted(spaceBlock, n, "acme-prod") },
			nth:     [][2]string{{"space_id", "kvs_private_space.prod[N].id"}},
			saidOf: func(i int) []string {
				return rewritten("acme-prod", fmt.Sprintf("acme-prod-%d", i))(saying(saidSpace, []string{openSpace, letsMember}))
			},
			hands: []hand{
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
			said:       saying(saidWeb, []string{runsWorker}),
			change:     [2]string{"quantity", "3"}, afterChange: rewritten("on 2", "on 3"),
			several: func(n int) string { return counted(webBlock, n, "orders-web") },
			nth:     [][2]string{{"app_id", "kvs_app.web[N].id"}},
			saidOf: func(i int) []string {
				return rewritten("orders-web", fmt.Sprintf("orders-web-%d", i))(saying(saidWeb, []string{runsWorker}))
			},
			hands: []hand{
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
