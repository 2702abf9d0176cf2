// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package faultmatrix

import (
	"fmt"
	"slices"
	"strings"
)

// Workflows that differ between resources: spellings, owners, names, and protection.

// quoted formats an attribute and its value for a breach.
func quoted(a [2]string) string { return fmt.Sprintf("%s = %s", a[0], a[1]) }

// otherSpellings checks that the plan shows no change for a value that means the same, and refuses an invalid value. The short form
// has one in four of the values.
func otherSpellings(s *workflowRun, p resourceCase) {
	s.begin(p.config())
	var accepted [][2]string
	for i, other := range p.otherValues {
		if !long() && i%4 != 0 {
			continue
		}
		s.CLI.Configure(p.config(other))
		plan := s.Plan()
		switch plan.Code {
		case 0:
			accepted = append(accepted, other)
		case 1:
			for _, d := range plan.Diagnostics {
				if d.Severity == "error" && strings.Contains(d.Summary+d.Detail, "error in the provider") {
					s.broken("spellings", "%s is called an error in the provider: %s", quoted(other), d.Summary)
				}
			}
		default:
			hinted := slices.ContainsFunc(plan.Diagnostics, func(d Diagnostic) bool {
				return d.Severity == "warning" &&
					d.Address == p.address()
			})
			if sent := writes(s.Apply()); !hinted && len(sent) > 0 { // a change of the state only needs no warning
				s.broken("spellings", "%s is planned as %v, without a word, and sends %v", quoted(other), plan.Planned, sent)
			}
			s.CLI.Configure(p.config())
			if back := s.Apply(); back.Code != 0 {
				s.broken("spellings", "after %s the configuration cannot be applied any more:\n%s", quoted(other), back.errors())
			}
			s.mark()
		}
	}
	// The object is destroyed, and created with each accepted spelling.
	for _, other := range accepted {
		s.CLI.Configure(p.parents)
		if gone := s.Apply(); gone.Code != 0 {
			s.T.Fatalf("the configuration cannot be emptied:\n%s", gone.errors())
		}
		s.mark()
		made := s.change(p.config(other))
		if made.Code == 1 && slices.ContainsFunc(made.Diagnostics,
			func(d Diagnostic) bool { return strings.Contains(d.Summary, "inconsistent") }) {
			s.broken("spellings", "%s, on a new one: %s", quoted(other), made.errors())
		}
		if made.Code == 0 {
			if plan := s.Plan(); plan.Code != 0 {
				s.broken("spellings", "%s, on a new one, is planned again: %v\n%s", quoted(other), plan.Planned, plan.errors())
			}
		}
	}
}

// nulls checks that a null within an attribute is refused or ignored, and that the configuration can be corrected and destroyed after
// that.
func nulls(s *workflowRun, p resourceCase) {
	with := map[string][][2]string{
		"kvs_trusted_ip_ranges": {{"ranges", `{ for c in ["192.0.2.0/24"] : c => null }`},
			{"ranges", `{ "192.0.2.0/24" = { description = null } }`}, {"timeouts", "{ create = null, update = null }"}},
		"kvs_trusted_ip_range": {{"expires_at", "null"}, {"timeouts", "{ create = null, update = null, delete = null }"}},
		"kvs_instance": {{"migration", "{ strategy = null, verify = null, retire = null }"},
			{"fork", "{ instance_id = null, url_wo_version = null }"}, {"timeouts", "{ create = null }"}},
		"kvs_private_space":      {{"timeouts", "{ create = null, update = null, delete = null }"}},
		"kvs_app":                {{"space_id", "null"}},
		"kvs_attachment":         {{"name", "null"}},
		"kvs_maintenance_window": {{"instance_id", "try(kvs_instance.cache.id, null)"}},
		"kvs_space_app_access":   {{"permissions", "[null]"}, {"permissions", `["create_apps", null]`}},
		"kvs_formation":          {{"quantity", "null"}, {"size", "null"}},
	}
	for i, other := range with[p.resource] {
		s.begin(p.parents)
		trial := s.change(p.config(other))
		if trial.Code == 1 {
			for _, d := range trial.Diagnostics {
				if strings.Contains(d.Summary+d.Detail, "error in the provider") || strings.Contains(d.Summary, "Value Conversion") {
					s.broken("null elements", "%s: %s", quoted(other), d.Summary)
				}
			}
		} else {
			s.settles()
		}
		if p.resource == "kvs_attachment" {
			s.CLI.Configure(p.config(other))
		} else {
			s.CLI.Configure(p.config())
			s.within(1, p.wanted(asIs, "*"))
		}
		s.CLI.Configure(p.parents)
		if gone := s.Apply(); gone.Code != 0 {
			s.broken("null elements", "after %s the destruction exits %d:\n%s", quoted(other), gone.Code, gone.errors())
		}
		if i == len(with[p.resource])-1 {
			s.mark()
		}
	}
}

// twoOwners checks that two resources for one object are refused: by the plan, or by Heroku if the object has a unique name.
func twoOwners(s *workflowRun, p resourceCase) {
	if p.unique {
		s.begin(p.config())
		s.refusedByHeroku(s.change(p.config()+p.block("other")), saysTwo)
		s.ends(s.change(p.config()), p.wanted(asIs))
		s.settles()
		return
	}
	other := map[string][2]string{
		"kvs_trusted_ip_ranges":  {"ranges", `{ "203.0.113.0/24" = {} }`},
		"kvs_trusted_ip_range":   {"description", `"another one"`},
		"kvs_attachment":         {"instance_id", "kvs_instance.second.id"},
		"kvs_maintenance_window": {"day", `"Friday"`},
		"kvs_space_app_access":   {"permissions", "[]"},
		"kvs_formation":          {"quantity", "5"},
	}[p.resource]
	parents := p.parents
	if p.resource == "kvs_attachment" {
		parents += strings.NewReplacer(`"cache"`, `"second"`, "orders-cache", "orders-second", "web.id", "api.id").Replace(storeBlock)
	}
	s.begin(parents)
	s.refused(s.change(parents+p.block(p.label)+p.block("other", other)), saysTwo)
	// The same if one of the two exists already.
	s.begin(parents + p.block(p.label))
	s.refused(s.change(parents+p.block(p.label)+p.block("other", other)), saysTwo)
	s.refused(s.change(parents+p.block("other", other)+p.block(p.label)+p.block("third", other)), saysTwo)
}

// lookedUp returns the configuration of the resource with data sources in place of its parents.
func (p resourceCase) lookedUp(others ...[2]string) string {
	data := ""
	for address, block := range map[string]string{"kvs_app.web.": dataWeb, "kvs_app.api.": dataAPI, "kvs_instance.cache.": dataStore,
		"kvs_private_space.prod.": dataSpace} {
		if strings.Contains(p.block(p.label, others...), address) {
			data += block
		}
	}
	return data + strings.NewReplacer("kvs_app.web.id", "data.kvs_app.web.id", "kvs_app.api.id", "data.kvs_app.api.id",
		"kvs_instance.cache.id", "data.kvs_instance.cache.id", "kvs_private_space.prod.id",
		"data.kvs_private_space.prod.id").Replace(p.block(p.label, others...))
}

// twoWorkspaces checks that a second workspace for the same object is refused with an import block, or changes nothing, and that
// destroying it changes nothing.
func twoWorkspaces(s *workflowRun, p resourceCase) {
	s.begin(p.config())
	other := s.Beside(p.lookedUp())
	made := other.Run("apply", "-auto-approve", "-input=false", "-no-color")
	said := strings.Join(strings.Fields(made.Output()), " ")
	switch p.resource {
	case "kvs_trusted_ip_ranges", "kvs_maintenance_window", "kvs_formation": // these always exist, and both configurations agree
		if made.Code != 0 && !strings.Contains(said, "import {") {
			s.broken("two workspaces", "the second one is refused without an import block:\n%s", made.Output())
		}
	default:
		if made.Code != 1 || !strings.Contains(said, "import {") {
			s.broken("two workspaces", "the second one exits %d, want a refusal with an import block:\n%s", made.Code, made.Output())
		}
	}
	if gone := other.Run("destroy", "-auto-approve", "-input=false", "-no-color"); gone.Code != 0 {
		s.broken("two workspaces", "the destruction of the second one exits %d:\n%s", gone.Code, gone.Output())
	}
	s.ends(s.Apply(), p.wanted(asIs))
	s.settles()
}

// handMadeVar checks that a config var which somebody has set by hand is not overwritten without a diagnostic.
func handMadeVar(s *workflowRun, p resourceCase) {
	sets := func(app, variable string) func(*Harness) {
		return sent("PATCH", "/apps/"+app+"/config-vars", `{"`+variable+`":"by hand"}`)
	}
	switch p.resource {
	case "kvs_instance":
		s.begin(p.parents)
		s.byHand(sets("orders-web", "REDIS_URL"))
		for _, name := range []string{`"REDIS"`, ""} {
			s.CLI.Configure(p.config([2]string{"attachment_name", name}))
			plan := s.Plan()
			if !strings.Contains(plan.errors(), "REDIS_URL") {
				s.broken("hand-made config vars", "attachment_name = %s: the plan says nothing of REDIS_URL:\n%s", name, plan.errors())
			}
			if plan.Code == 2 {
				continue // a warning has announced it
			}
			s.refused(s.Apply(), "REDIS_URL")
		}
	case "kvs_attachment":
		s.begin(p.parents)
		s.byHand(sets("orders-api", "SHARED_URL"))
		s.refused(s.change(p.config()), "SHARED_URL")
	case "kvs_app":
		s.begin(p.config())
		s.byHand(sets("orders-web", "GREETING"))
		s.ends(s.change(p.changed()), p.wanted(p.afterChange))
		s.ends(s.change(p.config([2]string{"name", `"orders-www"`})), wanted{facts: rewritten("orders-web", "orders-www")(p.facts)})
		s.settles()
	default:
		inside := "\nresource \"kvs_app\" \"beside\" {\n  name = \"orders-beside\"\n}\n"
		s.begin(p.config() + inside)
		s.byHand(sets("orders-beside", "GREETING"))
		s.ends(s.change(p.changed()+inside), p.wanted(both(p.afterChange, with("app orders-beside"))))
		s.settles()
	}
}

// second checks that two resources which leave their name to Heroku are two objects.
func second(s *workflowRun, p resourceCase) {
	unnamed := func(label string) string {
		return p.block(label, [2]string{"name", ""}, [2]string{"attachment_name", ""})
	}
	count := func(what string) int {
		n := 0
		for _, fact := range s.present() {
			if words := strings.Fields(fact); words[0] == what && len(words) == 2 || what == "vars" && len(words) > 2 && words[2] == "has" {
				n++
			}
		}
		return n
	}
	expect := func(what string, n int) {
		if got := count(what); got != n {
			s.broken("a second one", "there are %d %s, want %d: %v", got, what, n, s.present())
		}
	}
	switch p.resource {
	case "kvs_instance":
		s.begin(p.parents + unnamed("cache"))
		s.ends(s.change(p.parents+unnamed("cache")+unnamed("other")+unnamed("third")), wanted{facts: s.present(), may: []string{"*"}})
		expect("store", 3)
		expect("vars", 3)
		s.settles()
	case "kvs_attachment":
		s.begin(p.parents + unnamed("shared") + unnamed("other"))
		expect("vars", 3)
		s.settles()
	default: // their names are required
		renamed := strings.NewReplacer("orders-web", "orders-second", "acme-prod", "acme-second", "orders-cache", "orders-second",
			`"prod"`, `"second"`, `"cache"`, `"second"`, `"web"`, `"second"`, `"office" {`, `"second" {`,
			".prod.", ".second.", ".cache.", ".second.", ".web.", ".second.")
		s.begin(p.config())
		s.ends(s.change(p.config()+renamed.Replace(p.config())), wanted{facts: joinFacts(p.facts, rewritten("orders-web", "orders-second",
			"acme-prod", "acme-second", "orders-cache", "orders-second")(p.facts))})
		s.settles()
	}
}

// ownWorkflows are the workflows that only some resources have.
func ownWorkflows() []workflow {
	of := map[string]resourceCase{}
	for _, p := range resourceCases() {
		of[p.resource] = p
	}
	space, ranges, store, shared, app, window := of["kvs_private_space"], of["kvs_trusted_ip_ranges"], of["kvs_instance"],
		of["kvs_attachment"], of["kvs_app"], of["kvs_maintenance_window"]
	var all []workflow
	protectedOf := map[string][2]string{"kvs_private_space": {"deletion_protection", "true"}, "kvs_instance": {"deletion_protection", "true"}}
	for _, p := range []resourceCase{space, store} {
		on := protectedOf[p.resource]
		refusal := func(name string, act func(*workflowRun) *Trial) workflow {
			return workflow{p.resource, "protected: " + name, func(s *workflowRun) {
				s.begin(deploy + p.config(on))
				s.refused(act(s), saysProtected+"|still owns|moved block")
			}}
		}
		all = append(all,
			refusal("-replace", func(s *workflowRun) *Trial { return s.Apply("-replace=" + p.address()) }),
			refusal("taint", func(s *workflowRun) *Trial { s.Record("taint", p.address()); return s.Apply() }),
			refusal("renamed address", func(s *workflowRun) *Trial { return s.change(deploy + p.parents + p.block("other", on)) }),
			refusal("create_before_destroy", func(s *workflowRun) *Trial {
				s.begin(deploy + p.config(on, [2]string{"", successorFirst}))
				return s.Apply("-var=deploy=2")
			}),
			refusal("its app or space replaced, and it with it", func(s *workflowRun) *Trial {
				return s.change(deploy+p.config(on), "-replace="+map[string]string{"kvs_private_space": "kvs_private_space.prod",
					"kvs_instance": "kvs_app.web"}[p.resource])
			}),
		)
	}
	for _, ending := range []string{"open", "restore_previous"} {
		on := [2]string{"on_destroy", fmt.Sprintf("%q", ending)}
		earlier := admits("203.0.113.0/24")
		start := func(s *workflowRun, config string) {
			s.begin(spaceBlock)
			s.byHand(earlier)
			s.begin(config)
		}
		all = append(all,
			workflow{ranges.resource, "create_before_destroy, on_destroy = " + ending, func(s *workflowRun) {
				start(s, deploy+ranges.config(on, [2]string{"", successorFirst}))
				s.ends(s.Apply("-var=deploy=2"), ranges.wanted(asIs))
				s.settles("-var=deploy=2")
			}},
			workflow{ranges.resource, "renamed address, on_destroy = " + ending, func(s *workflowRun) {
				start(s, ranges.config(on))
				s.endsOrKeeps(s.change(ranges.parents+ranges.block("other", on)), ranges.wanted(asIs, "space acme-prod admits"), saysMoved)
			}},
			workflow{ranges.resource, "renamed keys of 12, on_destroy = " + ending, func(s *workflowRun) {
				open := ranges
				open.attributes = slices.Clone(ranges.attributes)
				open.attributes[2] = on
				open.replaced = []string{"space acme-prod admits"}
				renamedKeys(s, open, "-parallelism=10")
			}},
			workflow{ranges.resource, "unknown space_id, on_destroy = " + ending, func(s *workflowRun) {
				open := ranges
				open.attributes = slices.Clone(ranges.attributes)
				open.attributes[2] = on
				unknown(s, open, open.attributes[0])
			}},
			workflow{ranges.resource, "-replace, on_destroy = " + ending, func(s *workflowRun) {
				start(s, ranges.config(on))
				trial := s.Apply("-replace=" + ranges.address())
				s.ends(trial, ranges.wanted(asIs, "space acme-prod admits"))
				s.settles()
			}},
		)
	}
	protectedStore := [2]string{"deletion_protection", "true"}
	return append(all,
		workflow{store.resource, "protected: unknown app_id", func(s *workflowRun) {
			source := "\nvariable \"release\" {\n  default = \"1\"\n}\n\nresource \"terraform_data\" \"of\" {\n" +
				"  input            = data.kvs_app.web.id\n  triggers_replace = var.release\n}\n" + dataWeb
			s.byHand(sent("POST", "/teams/apps", `{"name":"orders-web","team":"acme"}`)) // no resource shows that the app stays
			store := store
			store.parents = ""
			s.begin(source + store.config(protectedStore, [2]string{"app_id", "terraform_data.of.output"}))
			s.refused(s.Apply("-var=release=2"), "unknown|known after apply|not known")
		}},
		workflow{store.resource, "protected: unknown values beside app_id", func(s *workflowRun) {
			p := store
			p.attributes = slices.Clone(store.attributes)
			p.attributes[len(p.attributes)-1] = protectedStore
			unknown(s, p, p.attributes[1:len(p.attributes)-1]...)
		}},
		workflow{space.resource, "protected: all values unknown", func(s *workflowRun) {
			p := space
			p.attributes = slices.Clone(space.attributes)
			p.attributes[len(p.attributes)-1] = protectedStore
			s.begin(outOfReplaced(p, p.attributes[:len(p.attributes)-1]...))
			s.refused(s.Apply("-var=release=2"), saysProtected)
		}},
		workflow{store.resource, "unnamed: create_before_destroy", func(s *workflowRun) {
			unnamed := [][2]string{{"name", ""}, {"attachment_name", ""}, {"", successorFirst}}
			s.begin(deploy + store.config(unnamed...))
			trial := s.Apply("-var=deploy=2")
			s.ends(trial, wanted{facts: s.present(), may: []string{"*"}})
			if n := len(s.Living()); n != 1 {
				s.broken(finalObjects, "%d stores are left, want one", n)
			}
			s.settles("-var=deploy=2")
		}},
		workflow{shared.resource, "attachment_name of a store beside it", func(s *workflowRun) {
			beside := [2]string{"app_id", "kvs_app.web.id"}
			named := strings.Replace(storeBlock, "orders-cache\"", "orders-cache\"\n  attachment_name = \"PRIMARY\"", 1)
			second := strings.NewReplacer(`"cache"`, `"second"`, "orders-cache", "orders-second", "PRIMARY", "SECOND").Replace(named)
			parents := webBlock + named + second
			s.begin(parents)
			s.refused(s.change(parents+shared.block("shared", beside, [2]string{"name", `"PRIMARY"`},
				[2]string{"instance_id", "kvs_instance.second.id"})), saysTwo)
		}},
		workflow{shared.resource, "app_id to another app and back, unknown", func(s *workflowRun) {
			source := "\nvariable \"release\" {\n  default = \"1\"\n}\n\nresource \"terraform_data\" \"of\" {\n" +
				"  input            = kvs_app.api.id\n  triggers_replace = var.release\n}\n"
			elsewhere := "\nresource \"kvs_app\" \"jobs\" {\n  name = \"orders-jobs\"\n}\n"
			s.begin(source + elsewhere + shared.config([2]string{"app_id", "terraform_data.of.output"}))
			moved := strings.Replace(source, "kvs_app.api.id", "kvs_app.jobs.id", 1) + elsewhere + shared.config([2]string{"app_id",
				"terraform_data.of.output"})
			s.CLI.Configure(moved)
			s.within(2, wanted{facts: rewritten("app orders-api has", "app orders-jobs has")(both(asIs,
				with("app orders-jobs"))(shared.facts))}, "-var=release=2")
		}},
		workflow{app.resource, "protected store on it: renamed address", func(s *workflowRun) {
			config := strings.Replace(shared.config(), "deletion_protection = false", "", 1)
			s.begin(config)
			s.refused(s.change(strings.NewReplacer(`"kvs_app" "web"`, `"kvs_app" "www"`, "kvs_app.web",
				"kvs_app.www").Replace(config)), saysProtected+"|known|moved block")
		}},
		workflow{window.resource, "two that agree", func(s *workflowRun) {
			s.begin(window.config())
			trial := s.change(window.config() + window.block("other"))
			s.endsOrKeeps(trial, window.wanted(asIs), saysTwo)
		}},
		workflow{shared.resource, "two that agree", func(s *workflowRun) {
			s.begin(shared.config())
			s.refused(s.change(shared.config()+shared.block("other")), saysTwo)
			s.refused(s.Apply("-parallelism=1"), saysTwo)
			s.quiet(s.change(shared.config()))
		}},
		workflow{shared.resource, "the name of another store's, in a second workspace", func(s *workflowRun) {
			s.begin(shared.config())
			s.byHand(sent("POST", "/apps/orders-api/addons",
				`{"plan":"heroku-redis:premium-0","name":"their-cache","attachment":{"name":"THEIRS"}}`))
			other := s.Beside("data \"kvs_instance\" \"theirs\" {\n  name = \"their-cache\"\n}\n" + dataAPI +
				"resource \"kvs_attachment\" \"theirs\" {\n  app_id      = data.kvs_app.api.id\n" +
				"  instance_id = data.kvs_instance.theirs.id\n  name        = \"SHARED\"\n}\n")
			if made := other.Run("apply", "-auto-approve", "-input=false", "-no-color"); made.Code != 1 {
				s.broken("two workspaces", "the second one exits %d:\n%s", made.Code, made.Output())
			}
			s.ends(s.Apply(), s.asBefore())
		}},
	)
}
