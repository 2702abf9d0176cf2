// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"time"
)

// story is the demo. Its steps share values, such as the outputs of the configuration, in the facts.
type story struct {
	narrator
	sandbox
	binary, dir string       // Terraform or OpenTofu, and its working directory
	env         []string     // variables of the configuration, and the URLs and token of the sandbox
	planned     []diagnostic // warnings of the plan that apply carries out
}

const whatNext = `
What to try next
  make sandbox      a sandbox that stays, and the configuration to paste for experiments of your own
  examples/         one configuration for each resource; examples/demo is the one that was applied here, ` +
	`examples/premium-to-private the move
  docs/             every attribute, and what changing it does
  README.md         the same on the real Heroku
`

func (s *story) play(ctx context.Context) {
	s.steps = 16
	s.tell("looking for Terraform or OpenTofu", "$cli $version found: $path", func() {
		s.configure("cli.tfrc")
		cmd := s.command(ctx, s.binary, "version")
		words := strings.Fields(string(must(cmd.Output()))) // Terraform v1.11.4 on linux_amd64
		s.facts["cli"], s.facts["version"], s.facts["path"] = words[0], strings.TrimPrefix(words[1], "v"), cmd.Path
		mustBe(supported(s.facts["version"]), "%s %s is too old, 1.11 or later is needed: make demo TF=tofu builds an OpenTofu",
			cmd.Path, s.facts["version"])
	})
	s.tell("building the provider and the sandbox", "provider and sandbox built", func() {
		build := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-o", s.dir+"/bin/", ".", "./internal/cmd/kvs-sandbox")
		said, err := build.CombinedOutput()
		mustBe(err == nil, "%v\n%s", err, said)
	})
	s.tell("starting the sandbox", "sandbox started: a local Heroku at $url, with $engine behind each store", func() {
		// A store takes one second and a space half a second, instead of minutes at Heroku.
		s.start(s.command(context.WithoutCancel(ctx), s.dir+"/bin/kvs-sandbox", "exec", "--provisioning=1s",
			"--allocation=500ms", "--log=sandbox.log", "--", "/bin/sh", "-c", untilItsInputEnds))
		s.env = append(s.env, "HEROKU_API_URL="+s.url, "HEROKU_DATA_API_URL="+s.url, "HEROKU_API_KEY="+s.token)
		log := must(os.ReadFile(s.dir + "/sandbox.log"))
		s.facts["url"], s.facts["engine"] = s.url, string(regexp.MustCompile(`engine="?([^"\n]+)`).FindSubmatch(log)[1])
		s.notes = []string{"watch it in a browser: " + s.url + "/"}
		if s.facts["engine"] == "miniredis" {
			s.notes = append(s.notes, "no valkey-server or redis-server on PATH, so an embedded miniredis stands in",
				"for a real one: apt-get install redis-server, or brew install redis")
		}
		check(os.CopyFS(s.dir, os.DirFS("examples/demo")))
	})
	s.tell("applying examples/demo", "store $store_name created on premium-0 for app $web_name, and shared with app $worker_name", func() {
		start := time.Now()
		s.env = append(s.env, "TF_VAR_plan=premium-0")
		s.plan(ctx, "to add")
		s.remark = inWords(time.Since(start)) + " to plan, "
		s.apply(ctx, "$store_plan", "premium-0")
	})
	s.tell("writing keys and reading them back", "1 000 keys of 6 types, half of them with a TTL, written and read back through "+
		"the store's TLS URL, which is ephemeral: the state holds no URL", func() { s.runKeys(ctx, "write") })
	s.tell("planning premium-1", `premium-0 to premium-1: "$summary"`, func() {
		s.env = append(s.env, "TF_VAR_plan=premium-1")
		s.plan(ctx, "0 to add, 1 to change, 0 to destroy")
		s.notes = s.warned(`(?m)^ *- .*$`)
	})
	s.tell("upgrading to premium-1", "upgraded in place: still $store_name, still id $store_id, still shared with $worker_name", func() {
		s.apply(ctx, "$store_plan $store_id $store_name $attachment_id", "premium-1 $store_id $store_name $attachment_id")
	})
	s.tell("reading the keys back", "the same 1 000 keys read back from the upgraded store", func() { s.runKeys(ctx, "check") })
	s.tell("making a mistake", "a mistake refused at plan time, and nothing was created: private-7 in the Common Runtime", func() {
		s.configure("mistake.tf")
		s.refuse(ctx, "kvs_instance.mistake")
		check(os.Remove(s.dir + "/mistake.tf"))
		s.mustCount(ctx, ledger{Created: 1, Orphans: 1})
	})
	s.tell("allocating a Private Space", "Private Space acme-prod allocated, then app $inside_name created in it", func() {
		s.configure("space.tf")
		s.plan(ctx, "2 to add, 0 to change, 0 to destroy") // one apply, in that order
		s.apply(ctx, "$space_state", "allocated")
	})
	s.migrate(ctx)
	s.tell("trying to destroy everything", "a destroy refused at plan time: the store is protected, as every store is by default",
		func() { s.refuse(ctx, "kvs_instance.cache", "-destroy") })
	s.tell("destroying everything", "everything destroyed, after deletion_protection = false; the sandbox's ledger: "+
		"2 stores and 1 space created, 3 destroyed, orphans 0", func() {
		s.configure("unprotected_override.tf")
		s.plan(ctx, "0 to add")
		s.apply(ctx, "", "")
		s.plan(ctx, "", "-destroy")
		s.apply(ctx, "", "")
		s.mustCount(ctx, ledger{Created: 3, Destroyed: 3})
	})
	fmt.Fprint(s.out, whatNext)
}

func (s *story) migrate(ctx context.Context) {
	s.tell("planning private-7", `premium-1 to private-7, $migration: "$summary"`, func() {
		s.configure("move_override.tf")
		s.plan(ctx, "0 to add, 2 to change, 0 to destroy")
		s.notes = s.warned(`(?m)^ *- .*(?:REDIS_URL|maintenance mode|The old store|Price).*$`) // the most important consequences of the change
	})
	s.tell("migrating to private-7", "migrated: $store_name is another store now, and REDIS_URL of $inside_name, $web_name and "+
		"$worker_name leads to it", func() {
		s.notes = []string{s.expand("$web_name and $worker_name were in maintenance mode and at 0 dynos meanwhile, and are at " +
			"web=1 worker=1 again")}
		s.apply(ctx, "$store_plan $store_name $retired_store_id", "private-7 $store_name $store_id")
		mustBe(s.facts["store_id"] != s.facts["retired_store_id"], "the store should be another one")
		sent := map[string]int{}
		for _, request := range get[[]struct{ Method, Path string }](ctx, &s.sandbox, "/__sandbox/journal") {
			sent[request.Method+" "+request.Path]++
		}
		for _, id := range []string{s.facts["web_id"], s.facts["worker_id"]} {
			s.mustRun(ctx, id)
			mustBe(sent["PATCH /apps/"+id] >= 2 && sent["PATCH /apps/"+id+"/formation"] >= 2, "the app %s should have been held: %v", id, sent)
		}
		for _, app := range []string{"inside_name", "web_name", "worker_name"} {
			path := "/apps/" + s.facts[app] + "/addon-attachments/REDIS"
			primary := get[struct{ Addon struct{ ID string } }](ctx, &s.sandbox, path).Addon.ID
			mustBe(primary == s.facts["store_id"], "%s should lead to %s, and leads to %s", path, s.facts["store_id"], primary)
		}
	})
	s.tell("reading the keys back", "the same 1 000 keys read back by a dyno of $inside_name, types, contents and TTLs as before; "+
		"$web_name, outside the space, does not get there", func() {
		vars := get[map[string]string](ctx, &s.sandbox, "/apps/"+s.facts["inside_name"]+"/config-vars")
		store := connect(vars["REDIS_URL"], s.dialAs(s.facts["inside_name"]))
		defer func() { _ = store.Close() }()
		checkKeys(ctx, store)
		_, err := s.dialAs(s.facts["web_name"])(ctx, "tcp", store.Options().Addr)
		mustBe(strings.Contains(fmt.Sprint(err), "502"), "a store in a space should be out of reach from outside: %v", err)
	})
	// The old store is billed until it is destroyed, as every plan warns.
	s.tell("destroying the old store", "the old store, kept until now as $kept for $price, destroyed by $migration", func() {
		path := "/addons/" + s.facts["retired_store_id"]
		s.facts["kept"] = get[struct{ Name string }](ctx, &s.sandbox, path).Name
		s.mustCount(ctx, ledger{Created: 3, Orphans: 3})
		s.plan(ctx, "")
		_, s.facts["price"], _ = strings.Cut(s.warned(s.facts["kept"] + `.*\$[0-9.,]*[0-9] a month`)[1], ", at ")
		s.configure("retire_override.tf")
		s.plan(ctx, "")
		s.apply(ctx, "", "")
		s.mustCount(ctx, ledger{Created: 3, Destroyed: 1, Orphans: 2})
		mustBe(attempt(func() { get[any](ctx, &s.sandbox, path) }) != nil, "%s should be destroyed", s.facts["kept"])
	})
}

// plan fails unless the summary contains want.
func (s *story) plan(ctx context.Context, want string, args ...string) {
	s.planned = must(s.run(ctx, append([]string{"plan", "-out=demo.tfplan"}, args...)...))
	mustBe(strings.Contains(s.facts["summary"], want), "the plan should be %q, and is %q", want, s.facts["summary"])
}

// apply applies the last plan, and notes warnings that the plan did not have. It fails unless the outputs, expanded after the apply, are
// equal to want, expanded before it.
func (s *story) apply(ctx context.Context, outputs, want string) {
	want = s.expand(want)
	for _, d := range must(s.run(ctx, "apply", "demo.tfplan")) {
		if !slices.Contains(s.planned, d) {
			s.notes = append(s.notes, "Warning: "+d.Summary)
		}
	}
	is := s.expand(outputs)
	mustBe(is == want, "%s should be %s, and is %s", outputs, want, is)
}

// refuse fails unless a plan reports an error for the resource with this address.
func (s *story) refuse(ctx context.Context, address string, args ...string) {
	said, err := s.run(ctx, append([]string{"plan"}, args...)...)
	i := slices.IndexFunc(said, func(d diagnostic) bool { return d.Severity == "error" && d.Address == address })
	mustBe(err != nil && i >= 0, "the plan should refuse %s: %v", address, err)
	s.notes = append(s.notes, "Error: "+said[i].Summary)
}

// warned returns the warnings of the plan whose details match, each followed by the matches. It fails if there are none.
func (s *story) warned(wanted string) (found []string) {
	for _, d := range s.planned {
		if lines := regexp.MustCompile(wanted).FindAllString(d.Detail, -1); lines != nil {
			found = append(append(found, "Warning: "+d.Summary), lines...)
		}
	}
	mustBe(found != nil, "the plan does not say what the change means: %s", wanted)
	return found
}

// configure adds a file of this package to the configuration. A file named *_override.tf replaces arguments in other files.
func (s *story) configure(name string) {
	content := must(os.ReadFile("internal/cmd/demo/" + name))
	check(os.WriteFile(s.dir+"/"+name, content, 0o600))
	s.facts["migration"] = regexp.MustCompile("migration = .*").FindString(string(content))
}

// runKeys lets the configuration run this program with the store's URL in its environment. The URL is neither in the state, nor on a
// command line, nor known to this process.
func (s *story) runKeys(ctx context.Context, what string) {
	s.env = append(s.env, "DEMO="+must(os.Executable()), `TF_VAR_command="$DEMO" keys `+what+" 2>command.log")
	s.plan(ctx, "1 to add")
	s.apply(ctx, "", "")
	state := must(os.ReadFile(s.dir + "/terraform.tfstate"))
	mustBe(!bytes.Contains(state, []byte("rediss://")), "the state holds a store's URL")
}
