// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package faultmatrix

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// Workflows that Terraform has for every resource.

// Patterns of refusals.
const (
	saysExists    = "exists already|already exists|attachment name is in use|has the permission already"
	saysProtected = "protected"
	saysMoved     = "exists already|already exists|moved|import"
	saysTwo       = `\btwo\b|another one|exists already|in use`
)

// generic returns the workflows that every resource must have.
func generic(p resourceCase) []workflow {
	all := []workflow{
		{p.resource, "a module with depends_on", func(s *workflowRun) { module(s, p) }},
		{p.resource, "all values unknown, from a replaced resource", func(s *workflowRun) { unknown(s, p, p.attributes...) }},
		{p.resource, "create_before_destroy with replace_triggered_by", func(s *workflowRun) { createBeforeDestroy(s, p) }},
		{p.resource, "renamed address", func(s *workflowRun) { renamed(s, p) }},
		{p.resource, "renamed keys of 12, one at a time", func(s *workflowRun) { renamedKeys(s, p, "-parallelism=1") }},
		{p.resource, "renamed keys of 12, ten at a time", func(s *workflowRun) { renamedKeys(s, p, "-parallelism=10") }},
		{p.resource, "the first of three removed", func(s *workflowRun) { countShift(s, p) }},
		{p.resource, "two exchanged", func(s *workflowRun) { exchanged(s, p) }},
		{p.resource, "a saved plan applied twice", func(s *workflowRun) { appliedTwice(s, p) }},
		{p.resource, "-replace", func(s *workflowRun) {
			s.begin(p.config())
			replacedAs(s, p, s.Apply("-replace="+p.address()))
		}},
		{p.resource, "taint", func(s *workflowRun) {
			s.begin(p.config())
			s.Record("taint", p.address())
			replacedAs(s, p, s.Apply())
		}},
		{p.resource, "-target", func(s *workflowRun) {
			s.begin(p.config())
			aside := "\nresource \"kvs_app\" \"aside\" {\n  name = \"orders-aside\"\n}\n"
			s.ends(s.change(p.changed()+aside, "-target="+p.address()), p.wanted(p.afterChange))
			s.ends(s.Apply(), p.wanted(both(p.afterChange, with("app orders-aside"))))
			s.settles()
		}},
		{p.resource, "a removed block, and an import", func(s *workflowRun) { removedAndImported(s, p) }},
		{p.resource, "a moved block", func(s *workflowRun) {
			s.begin(p.config())
			s.quiet(s.change(p.parents + p.block("other") + fmt.Sprintf("moved {\n  from = %s\n  to   = %s.other\n}\n", p.address(), p.resource)))
			s.settles()
		}},
		{p.resource, "ignore_changes of what changes", func(s *workflowRun) {
			ignored := [2]string{"", ignoring("[" + p.change[0] + "]")}
			s.begin(p.config(ignored))
			s.quiet(s.change(p.config(ignored, p.change)))
			s.settles()
		}},
		{p.resource, "values in another spelling", func(s *workflowRun) { otherSpellings(s, p) }},
		{p.resource, "two owners in one configuration", func(s *workflowRun) { twoOwners(s, p) }},
		{p.resource, "two owners in two workspaces", func(s *workflowRun) { twoWorkspaces(s, p) }},
		{p.resource, "a hand-made config var", func(s *workflowRun) { handMadeVar(s, p) }},
		{p.resource, "a second one without optional names", func(s *workflowRun) { second(s, p) }},
		{p.resource, "null elements", func(s *workflowRun) { nulls(s, p) }},
	}
	for _, h := range p.outsideChanges {
		all = append(all, workflow{p.resource, h.name + " by hand", func(s *workflowRun) { byHandThenApplied(s, p, h) }})
		if h.gone {
			continue
		}
		all = append(all,
			workflow{p.resource, "ignore_changes = all, and " + h.name + " by hand", func(s *workflowRun) {
				s.begin(strings.ReplaceAll(p.config(), "\n}\n", "\n  "+ignoring("all")+"\n}\n"))
				s.byHand(h.does)
				s.quiet(s.Apply())
				s.settles()
			}},
			workflow{p.resource, "a saved plan, and " + h.name + " by hand", func(s *workflowRun) {
				s.begin(p.config())
				overtaken(s, p, h, s.saved(p.changed(), h.does))
			}},
			workflow{p.resource, "-refresh=false, and " + h.name + " by hand", func(s *workflowRun) {
				s.begin(p.config())
				s.byHand(h.does)
				overtaken(s, p, h, s.change(p.changed(), "-refresh=false"))
			}},
			workflow{p.resource, "-refresh-only, and " + h.name + " by hand", func(s *workflowRun) {
				s.begin(p.config())
				s.byHand(h.does)
				s.quiet(s.Apply("-refresh-only"))
				s.within(1, p.wanted(h.afterwards()))
			}})
	}
	for _, attribute := range p.attributes {
		all = append(all, workflow{p.resource, "unknown " + attribute[0], func(s *workflowRun) { unknown(s, p, attribute) }})
	}
	return all
}

func workflows() []workflow {
	var all []workflow
	for _, p := range resourceCases() {
		all = append(all, generic(p)...)
	}
	return append(all, ownWorkflows()...)
}

// wanted expects the facts of the configuration after a change.
func (p resourceCase) wanted(change factEdit, may ...string) wanted {
	return wanted{facts: change(p.facts), may: may}
}

func (h outsideChange) afterwards() factEdit {
	if h.stays == nil {
		return asIs
	}
	return h.stays
}

// deferredConfigs are configurations of modules whose data sources are deferred by depends_on.
var deferredConfigs = map[string]struct {
	parents, module string
	facts           []string
}{
	"kvs_app": {spaceBlock, dataSpace + "\nresource \"kvs_app\" \"web\" {\n  name     = \"orders-web\"\n" +
		"  space_id = data.kvs_private_space.prod.id\n}\n",
		joinFacts(factsSpace, []string{openSpace, "app orders-web", "app orders-web space acme-prod"})},
	"kvs_private_space": {webBlock, dataWeb + "\nresource \"kvs_private_space\" \"prod\" {\n  name = \"acme-prod\"\n" +
		"  team = data.kvs_app.web.team\n}\n",
		joinFacts(factsWeb, factsSpace, []string{openSpace})},
	"kvs_trusted_ip_ranges": {spaceBlock, dataSpace +
		"\nresource \"kvs_trusted_ip_ranges\" \"prod\" {\n  space_id   = data.kvs_private_space.prod.id\n" +
		"  ranges     = { \"192.0.2.0/24\" = {} }\n  on_destroy = \"open\"\n}\n",
		joinFacts(factsSpace, []string{setRanges})},
	"kvs_trusted_ip_range": {spaceBlock, dataSpace +
		"\nresource \"kvs_trusted_ip_range\" \"office\" {\n  space_id     = data.kvs_private_space.prod.id\n" +
		"  range        = \"192.0.2.0/24\"\n  closes_space = true\n}\n",
		joinFacts(factsSpace, []string{setRanges})},
	"kvs_instance": {webBlock, dataWeb + strings.ReplaceAll(storeBlock, "kvs_app.", "data.kvs_app."), joinFacts(factsWeb, factsStore)},
	"kvs_attachment": {webBlock + apiBlock + storeBlock, dataAPI + dataStore +
		"\nresource \"kvs_attachment\" \"shared\" {\n  app_id      = data.kvs_app.api.id\n  instance_id = data.kvs_instance.cache.id\n" +
		"  name        = \"SHARED\"\n}\n",
		joinFacts(factsWeb, factsAPI, factsStore, factsShared)},
	"kvs_maintenance_window": {webBlock + storeBlock, dataStore +
		"\nresource \"kvs_maintenance_window\" \"cache\" {\n  instance_id = data.kvs_instance.cache.id\n  day         = \"Monday\"\n" +
		"  time        = \"22:30\"\n}\n",
		joinFacts(factsWeb, factsStore, []string{"store orders-cache window Mondays 22:30"})},
	"kvs_space_app_access": {spaceBlock, dataSpace +
		"\nresource \"kvs_space_app_access\" \"prod\" {\n  space_id = data.kvs_private_space.prod.id\n" +
		"  email    = \"member@acme.example\"\n}\n",
		joinFacts(factsSpace, []string{openSpace, letsMember})},
	"kvs_formation": {webBlock, dataWeb +
		"\nresource \"kvs_formation\" \"web\" {\n  app_id   = data.kvs_app.web.id\n  type     = \"worker\"\n  quantity = 2\n}\n",
		joinFacts(factsWeb, []string{runsWorker})},
}

const prep = "\nvariable \"release\" {\n  default = \"1\"\n}\n\nresource \"terraform_data\" \"prep\" {\n  input = var.release\n}\n"

// module changes only an object that the module depends on, so that the module's data sources are read during the apply.
func module(s *workflowRun, p resourceCase) {
	d := deferredConfigs[p.resource]
	s.CLI.Write("it/main.tf", "terraform {\n  required_providers {\n    kvs = {\n      source = \"terraform-kvs/kvs\"\n    }\n  }\n}\n"+
		d.module)
	root := prep + d.parents + "\nmodule \"it\" {\n  source     = \"./it\"\n  depends_on = [terraform_data.prep, " +
		strings.Join(addresses(d.parents), ", ") + "]\n}\n"
	s.CLI.Configure(root)
	if got := s.CLI.Run("get"); got.Code != 0 {
		s.T.Fatal(got.Output())
	}
	s.begin(root)
	s.quiet(s.Apply("-var=release=2"))
	s.ends(s.Apply("-var=release=2"), wanted{facts: d.facts})
	s.settles("-var=release=2")
}

// addresses returns the addresses of the resource blocks of a configuration.
func addresses(config string) []string {
	var all []string
	for line := range strings.Lines(config) {
		if fields := strings.Fields(line); len(fields) == 4 && fields[0] == "resource" {
			all = append(all, strings.Trim(fields[1], `"`)+"."+strings.Trim(fields[2], `"`))
		}
	}
	return all
}

// unknown sets attributes to the same values, which come from a replaced resource and so are unknown in the plan.
func unknown(s *workflowRun, p resourceCase, attributes ...[2]string) {
	s.begin(outOfReplaced(p, attributes...))
	s.quiet(s.Apply("-var=release=2"))
	s.ends(s.Apply("-var=release=2"), p.wanted(asIs))
	s.settles("-var=release=2")
}

func outOfReplaced(p resourceCase, attributes ...[2]string) string {
	others := slices.Clone(attributes)
	sources := ""
	for i, a := range attributes {
		sources += fmt.Sprintf("\nresource \"terraform_data\" \"of_%d\" {\n  input            = %s\n  triggers_replace = var.release\n"+
			"}\n", i, a[1])
		others[i] = [2]string{a[0], fmt.Sprintf("terraform_data.of_%d.output", i)}
	}
	return "\nvariable \"release\" {\n  default = \"1\"\n}\n" + sources + p.config(others...)
}

const deploy = "\nvariable \"deploy\" {\n  default = \"1\"\n}\n\nresource \"terraform_data\" \"deploy\" {\n  input = var.deploy\n}\n"

const successorFirst = "lifecycle {\n    create_before_destroy = true\n    replace_triggered_by  = [terraform_data.deploy]\n  }"

func ignoring(attributes string) string {
	return "lifecycle {\n    ignore_changes = " + attributes + "\n  }"
}

// createBeforeDestroy expects that an object with a unique name is refused and stays, and that any other object always exists.
func createBeforeDestroy(s *workflowRun, p resourceCase) {
	s.begin(deploy + p.config([2]string{"", successorFirst}))
	trial := s.Apply("-var=deploy=2")
	if p.unique {
		s.refusedByHeroku(trial, saysExists)
		return
	}
	takesOver := []string{"kvs_attachment", "kvs_space_app_access", "kvs_trusted_ip_range"}
	if slices.Contains(takesOver, p.resource) && strings.Contains(s.CLI.Run("version").Stdout, "OpenTofu") {
		// On OpenTofu a provider cannot recognize that ModifyPlan is called during an apply, so this looks like a second owner.
		s.endsOrKeeps(trial, p.wanted(asIs), saysExists)
		return
	}
	s.ends(trial, p.wanted(asIs))
	s.settles("-var=deploy=2")
}

// renamed changes the address without a moved block. Terraform may create or destroy first.
func renamed(s *workflowRun, p resourceCase) {
	s.begin(p.config())
	s.endsOrKeeps(s.change(p.parents+p.block("other")), p.wanted(asIs, p.replaced...), saysMoved)
	if !s.kept {
		s.settles()
	}
}

func renamedKeys(s *workflowRun, p resourceCase, parallelism string) {
	const n = 12
	keys := "\nvariable \"prefix\" {\n  default = \"a\"\n}\n"
	s.begin(keys + p.many(n, `for_each = { for i in range(12) : "${var.prefix}${i}" => i }`, "each.value"))
	may := []string{}
	for _, replaced := range p.replaced {
		for i := range n {
			may = append(may, strings.NewReplacer("orders-web", fmt.Sprintf("orders-web-%d", i), "acme-prod", fmt.Sprintf("acme-prod-%d", i),
				"orders-cache", fmt.Sprintf("orders-cache-%d", i), "SHARED", fmt.Sprintf("SHARED_%d", i)).Replace(replaced))
		}
	}
	if p.resource == "kvs_instance" {
		may = append(may, "*")
	}
	s.endsOrKeeps(s.Apply("-var=prefix=b", parallelism), wanted{facts: p.factsOfMany(n), may: may}, saysMoved)
	if !s.kept {
		s.settles("-var=prefix=b")
	}
}

// numbered returns the configuration of n objects, one for each element of a variable.
func (p resourceCase) numbered(numbers string, n int) string {
	return "\nvariable \"numbers\" {\n  type    = list(number)\n  default = " + numbers + "\n}\n" +
		p.many(n, "count = length(var.numbers)", "var.numbers[count.index]")
}

// countShift removes the first of three objects with count, so that the other two get other indexes. They exist at each moment, unless
// the plan replaces them.
func countShift(s *workflowRun, p resourceCase) {
	s.begin(p.numbered("[0, 1, 2]", 3))
	want := wanted{facts: p.factsOfMany(3)}
	first := p.factsOf(0)
	switch p.resource {
	case "kvs_app", "kvs_private_space":
		s.refused(s.Apply("-var=numbers=[1,2]"), saysMoved) // the last one would be destroyed, and another one get its name
	case "kvs_instance":
		want.facts, want.may = without(first...)(want.facts), []string{"*"} // the last one is destroyed, and the others are renamed
		s.within(4, want, "-var=numbers=[1,2]")
	case "kvs_space_app_access":
		want.facts = without("space acme-prod-0 lets")(want.facts)
		s.within(1, want, "-var=numbers=[1,2]")
	case "kvs_attachment":
		want.facts = without(first...)(want.facts)
		s.within(1, want, "-var=numbers=[1,2]")
	case "kvs_trusted_ip_range":
		want.facts = rewritten("acme-prod-0 admits 192.0.2.0/24", "acme-prod-0 admits ")(want.facts)
		want.may = []string{"space acme-prod-1 admits", "space acme-prod-2 admits"} // the plan replaces them
		s.within(1, want, "-var=numbers=[1,2]")
	default:
		s.within(1, want, "-var=numbers=[1,2]") // Delete changes nothing at Heroku
	}
}

// exchanged gives two objects each other's values.
func exchanged(s *workflowRun, p resourceCase) {
	s.begin(p.numbered("[0, 1]", 2))
	want := wanted{facts: p.factsOfMany(2)}
	if p.resource == "kvs_trusted_ip_range" {
		want.may = []string{"space acme-prod-0 admits", "space acme-prod-1 admits"} // the plan replaces them
	}
	s.endsOrKeeps(s.Apply("-var=numbers=[1,0]"), want, "third name")
	if !s.kept {
		s.settles("-var=numbers=[1,0]")
	}
}

func appliedTwice(s *workflowRun, p resourceCase) {
	s.begin(p.config())
	s.ends(s.saved(p.changed(), nil), p.wanted(p.afterChange))
	s.refused(s.Record("apply", "-input=false", "-json", "saved"), "stale")
	s.settles()
}

// replacedAs checks a replacement that the plan shows.
func replacedAs(s *workflowRun, p resourceCase, trial *Trial) {
	s.ends(trial, p.wanted(asIs, p.replaced...))
	s.settles()
}

func removedAndImported(s *workflowRun, p resourceCase) {
	s.begin(p.config())
	s.quiet(s.change(p.parents + fmt.Sprintf("removed {\n  from = %s\n  lifecycle {\n    destroy = false\n  }\n}\n", p.address())))
	s.quiet(s.change(p.config() + fmt.Sprintf("import {\n  to = %s\n  id = %q\n}\n", p.address(), p.id)))
	s.settles()
}

// byHandThenApplied checks that the next apply undoes an outside change.
func byHandThenApplied(s *workflowRun, p resourceCase, h outsideChange) {
	s.begin(p.config())
	s.byHand(h.does)
	trial := s.Apply()
	if h.warns != "" {
		s.says(trial, "warning", h.warns)
	}
	s.ends(trial, p.wanted(h.afterwards(), "*"))
	s.settles()
}

// overtaken checks an apply whose plan was made before an outside change: it does only what the plan says, or is refused without a
// change.
func overtaken(s *workflowRun, p resourceCase, h outsideChange, trial *Trial) {
	switch {
	case trial.Code == 1:
		s.refused(trial, ".")
	case h.stops:
		s.broken("a plan that is overtaken stops", "it exits %d", trial.Code)
	default:
		changed := p.afterChange(p.facts)
		if h.overtaken != nil {
			changed = h.overtaken(changed)
		} else if !h.same {
			changed = h.facts(changed)
		}
		if reset := p.afterChange(p.facts); h.reset && slices.Equal(withoutUnmanagedWindows(s.present(), reset), reset) {
			changed = reset
		}
		s.ends(trial, wanted{facts: changed, may: []string{"*"}})
	}
	s.mark()
	s.CLI.Configure(p.changed())
	final := p.wanted(both(p.afterChange, h.afterwards()), "*")
	if h.overtaken != nil {
		final.either = h.overtaken(final.facts)
	}
	s.within(2, final)
}

// Every resource of the provider has every common workflow.
func TestWorkflows_everyResource(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t, func(o *sandbox.Options) { o.Engine = "miniredis" })
	provider, err := sb.Factories()["kvs"]()
	if err != nil {
		t.Fatal(err)
	}
	schema, err := provider.GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	of := map[string]map[string]bool{}
	sample, rows := map[string]int{}, map[string]bool{}
	inSample := sampled()
	for _, w := range workflows() {
		if of[w.resource] == nil {
			of[w.resource] = map[string]bool{}
		}
		if of[w.resource][w.name] {
			t.Errorf("%s has two workflows %q", w.resource, w.name)
		}
		of[w.resource][w.name] = true
		if inSample[w.key()] {
			sample[w.resource]++
			rows[w.name] = true
		}
	}
	t.Logf("%d workflows, %d of them in the short form", len(workflows()), len(inSample))
	for resource := range schema.ResourceSchemas {
		for _, w := range generic(resourceCases()[0])[:commonWorkflows] {
			if !of[resource][w.name] {
				t.Errorf("%s has no workflow %q", resource, w.name)
			}
			if !rows[w.name] {
				t.Errorf("the short form has no workflow %q", w.name)
			}
		}
		if sample[resource] < 3 {
			t.Errorf("the short form has %d workflows of %s", sample[resource], resource)
		}
	}
}
