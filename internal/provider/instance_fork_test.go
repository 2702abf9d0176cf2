// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/redis/go-redis/v9"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest/redisserver"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

const (
	forkPassword = "canary-password-314159"
	forkUser     = "canary-user-271828"
)

// forked is an app with a store that begins as a copy of the source.
func forked(plan, source string, settings ...string) string {
	return appAndStore(plan, append(settings, "fork = { "+source+" }")...)
}

// sourceStore is a store of another app, made beside Terraform, and its URL.
func sourceStore(t *testing.T, sb *acctest.Sandbox, plan string) (heroku.AddOn, string) {
	t.Helper()
	someone := sb.Client(t)
	order := heroku.AddOnCreate{Plan: "heroku-redis:" + plan, Name: "orders-old"}
	addOn, err := someone.CreateAddOn(t.Context(), mustCreateApp(t, someone, "orders-former").ID, order)
	if err != nil {
		t.Fatal(err)
	}
	ready, err := someone.WaitStoreAvailable(t.Context(), addOn.ID, plan, aWhile)
	if err != nil {
		t.Fatal(err)
	}
	return addOn, ready.ResourceURL.Reveal()
}

// outsideServer is a Redis that is not Heroku's, without TLS, and a client of it.
func outsideServer(t *testing.T, directives ...string) (url string, client *redis.Client) {
	t.Helper()
	address := redisserver.Start(t, append(directives, "user "+forkUser+" on >"+forkPassword+" ~* &* +@all")...)
	url = fmt.Sprintf("redis://%s:%s@%s", forkUser, forkPassword, address)
	options, _ := redis.ParseURL(url)
	options.Protocol = 2
	client = redis.NewClient(options)
	t.Cleanup(func() { _ = client.Close() })
	return url, client
}

// fill writes every kind of key, some with an expiry, into two databases: 107 keys, 52 of which expire.
func fill(t *testing.T, client *redis.Client) {
	t.Helper()
	in := client.Conn()
	defer func() { _ = in.Close() }()
	for _, database := range []int{0, 3} {
		_, err := in.Pipelined(t.Context(), func(p redis.Pipeliner) error {
			p.Select(t.Context(), database)
			for i := range 50 + database/3 {
				p.Set(t.Context(), fmt.Sprint("key", i), strings.Repeat("v", i), time.Duration(i%2)*time.Hour)
			}
			p.RPush(t.Context(), "list", "a", "b")
			if database == 0 {
				p.HSet(t.Context(), "hash", "field", "value")
				p.SAdd(t.Context(), "set", "member")
				p.ZAdd(t.Context(), "sorted", redis.Z{Score: 1, Member: "member"})
				p.Expire(t.Context(), "hash", time.Hour)
				p.Expire(t.Context(), "set", time.Hour)
			}
			if database == 3 {
				p.XAdd(t.Context(), &redis.XAddArgs{Stream: "stream", ID: "1-1", Values: []string{"field", "value"}})
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// contents are all keys with their values; a key that expires has a mark.
func contents(t *testing.T, client *redis.Client) map[string]string {
	t.Helper()
	found := map[string]string{}
	in := client.Conn()
	defer func() { _ = in.Close() }()
	for _, database := range []int{0, 3} {
		if err := in.Select(t.Context(), database).Err(); err != nil {
			t.Fatal(err)
		}
		for _, key := range in.Keys(t.Context(), "*").Val() {
			dump, err := in.Dump(t.Context(), key).Result()
			if err != nil {
				t.Fatal(err)
			}
			found[fmt.Sprintf("%d/%s", database, key)] = fmt.Sprintf("%q %t", dump, in.TTL(t.Context(), key).Val() > 0)
		}
	}
	return found
}

func expectCopy(t *testing.T, source, copied *redis.Client) {
	t.Helper()
	want, got := contents(t, source), contents(t, copied)
	if len(want) != 107 || !maps.Equal(want, got) {
		t.Errorf("the copy has %d keys, the source %d, or they differ:\n%q\n%q", len(got), len(want),
			slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
	}
}

func TestAccInstance_forkOfAStore(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	source, _ := sourceStore(t, sb, "premium-1")
	fill(t, sb.Redis(t, "orders-old"))
	config := forked("premium-0", fmt.Sprintf("instance_id = %q", source.ID), "timeout = 60",
		`maxmemory_policy = "allkeys-lru"`, `notify_keyspace_events = "KEA"`)
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		Steps: []resource.TestStep{
			{ // all keys arrive, and the settings are those of the configuration
				Config:           config,
				ConfigPlanChecks: planned(plancheck.ResourceActionCreate),
				ConfigStateChecks: []statecheck.StateCheck{
					storeHas("state", knownvalue.StringExact("provisioned")),
					storeHas("timeout", knownvalue.Int64Exact(60)),
					storeHas("fork", knownvalue.ObjectExact(map[string]knownvalue.Check{
						"instance_id": knownvalue.StringExact(string(source.ID)), "url_wo": knownvalue.Null(),
						"url_wo_version": knownvalue.Null(),
					})),
				},
				PostApplyFunc: func() {
					expectCopy(t, sb.Redis(t, "orders-old"), sb.Redis(t, "orders-cache"))
					expectServerSettings(t, sb, "60", "allkeys-lru", "AKE")
				},
			},
			{Config: config, ConfigPlanChecks: noChange},
			{ // a source that changes later is no change of the copy
				PreConfig: func() {
					if err := sb.Redis(t, "orders-old").FlushAll(t.Context()).Err(); err != nil {
						t.Error(err)
					}
				},
				Config:           config,
				ConfigPlanChecks: noChange,
			},
		},
	})
}

// A source that is made in the same run is not known when the plan is made.
func TestLongInstance_forkUnknownSource(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	const old = `
resource "kvs_instance" "old" {
  app_id              = kvs_app.web.id
  plan                = "mini"
  name                = "orders-old"
  deletion_protection = false
}
`
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{
				Config:            old + forked("premium-0", "instance_id = kvs_instance.old.id"),
				ConfigPlanChecks:  planned(plancheck.ResourceActionCreate),
				ConfigStateChecks: []statecheck.StateCheck{storeHas("state", knownvalue.StringExact("provisioned"))},
			},
			{Config: old + forked("premium-0", "instance_id = kvs_instance.old.id"), ConfigPlanChecks: noChange},
		},
	})
}

// A URL, with and without TLS, is used and kept nowhere: in no state, plan, output or log.
func TestAccInstance_forkOfAURL(t *testing.T) {
	t.Parallel()
	const unencrypted = "The data is copied without encryption"
	for name, encrypted := range map[string]bool{"with TLS": true, "without TLS": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sb := acctest.Start(t, func(o *sandbox.Options) { o.Clock, o.Provisioning = nil, time.Millisecond })
			var url string
			var source *redis.Client
			if encrypted {
				_, url = sourceStore(t, sb, "premium-0")
				source = sb.Redis(t, "orders-old")
			} else {
				url, source = outsideServer(t)
			}
			fill(t, source)
			config := "variable \"source_url\" {\n  type      = string\n  ephemeral = true\n}\n" + forked("premium-0",
				"url_wo = var.source_url, url_wo_version = %d")
			cli := sb.CLI(t, fmt.Sprintf(config, 1))
			log := filepath.Join(t.TempDir(), "trace.log")
			cli.Env = append(cli.Env, "TF_LOG=TRACE", "TF_LOG_PATH="+log, "TF_VAR_source_url="+url)

			planned := cli.Run("plan", "-input=false", "-no-color", "-out=saved")
			if planned.Code != 0 {
				t.Fatalf("the plan exited %d:\n%s", planned.Code, planned.Output())
			}
			shown := cli.Run("show", "-json", "saved")
			applied := cli.Apply("saved")
			expectCopy(t, source, sb.Redis(t, "orders-cache"))
			if warned := acctest.Says(unencrypted).MatchString(applied.Output()); warned == encrypted {
				t.Errorf("warned of missing encryption: %t\n%s", warned, applied.Output())
			}
			if acctest.Says("The fork could not be verified").MatchString(applied.Output()) {
				t.Errorf("the copy was not proven:\n%s", applied.Output())
			}

			// another version says so, and sends nothing
			sb.ResetJournal()
			cli.Configure(fmt.Sprintf(config, 2))
			changed := cli.Apply()
			if !acctest.Says("A fork is made at creation only").MatchString(changed.Output()) {
				t.Errorf("nothing is said of a fork that is changed later:\n%s", changed.Output())
			}
			if writes := sb.Requests("(POST|PATCH|PUT|DELETE)", ".*"); len(writes) != 0 {
				t.Errorf("a changed fork sends %v", writes)
			}
			if again := cli.Run("plan", "-detailed-exitcode", "-input=false"); again.Code != 0 {
				t.Errorf("the plan after it exited %d:\n%s", again.Code, again.Output())
			}

			trace, err := os.ReadFile(log)
			if err != nil {
				t.Fatal(err)
			}
			kept, _ := cli.Object(store)
			id, _ := kept.Attributes["id"].(string)
			_, address, _ := strings.Cut(url, "@")
			for where, look := range map[string]struct{ text, beside string }{
				"the state":  {cli.StateFile(), id},
				"the output": {planned.Output() + applied.Output() + changed.Output(), id},
				"the log":    {string(trace), id},
				"the plan":   {shown.Output(), "url_wo_version"},
			} {
				if look.beside == "" || !strings.Contains(look.text, look.beside) {
					t.Errorf("%s does not even have what stands beside the URL, so nothing is proven", where)
				}
				for _, part := range []string{passwordOf(t, url), address} {
					if strings.Contains(look.text, part) {
						t.Errorf("%s has a part of the URL: %q", where, strings.ReplaceAll(part, passwordOf(t, url), "the password"))
					}
				}
			}
		})
	}
}

// What cannot work is refused before anything is ordered, without a word of the URL, even where it is written out.
func TestLongInstance_forkRefusal(t *testing.T) {
	t.Parallel()
	url := func(scheme string) string {
		return scheme + "://" + forkUser + ":" + forkPassword + "@canary-host.example:6379"
	}
	written := func(url string) string { return fmt.Sprintf("url_wo = %q, url_wo_version = 1", url) }
	for name, test := range map[string]struct {
		plan   string // mini unless given
		source func(*testing.T, *acctest.Sandbox) string
		says   string
	}{
		"a server that does not let itself be copied": {says: "The source cannot be forked",
			source: func(t *testing.T, _ *acctest.Sandbox) string {
				url, _ := outsideServer(t, `rename-command PSYNC ""`, `rename-command SYNC ""`)
				return written(url)
			}},
		"a user who may not copy": {says: "The source cannot be forked", source: func(t *testing.T, _ *acctest.Sandbox) string {
			url, client := outsideServer(t)
			if err := client.Do(t.Context(), "ACL", "SETUSER", forkUser, "-psync", "-sync").Err(); err != nil {
				t.Fatal(err)
			}
			return written(url)
		}},
		"more than there is room for": {says: "The source does not fit into the new store",
			source: func(t *testing.T, _ *acctest.Sandbox) string {
				url, client := outsideServer(t)
				for i := range 26 {
					if err := client.Set(t.Context(), fmt.Sprint("part", i), strings.Repeat("x", 1<<20), 0).Err(); err != nil {
						t.Fatal(err)
					}
				}
				return written(url)
			}},
		"a wrong password": {says: "the server refuses the user name or the password",
			source: func(t *testing.T, _ *acctest.Sandbox) string {
				url, client := outsideServer(t)
				if err := errors.Join(client.Ping(t.Context()).Err(),
					client.Do(t.Context(), "ACL", "SETUSER", forkUser, "resetpass", ">other").Err()); err != nil {
					t.Fatal(err)
				}
				return written(url)
			}},
		"a server that nobody finds": {says: "The source of the fork could not be verified",
			source: func(*testing.T, *acctest.Sandbox) string {
				return written(strings.Replace(url("rediss"), ".example", ".invalid", 1))
			}},
		"another scheme": {says: "the URL does not start with redis:// or rediss://",
			source: func(*testing.T, *acctest.Sandbox) string { return written(url("https")) }},
		"a URL in the place of an id": {says: "A URL belongs into url_wo", source: func(*testing.T, *acctest.Sandbox) string {
			return fmt.Sprintf("instance_id = %q", url("rediss"))
		}},
		"two sources": {says: "A fork has one source", source: func(*testing.T, *acctest.Sandbox) string {
			return `instance_id = "00000000-0000-4000-8000-000000000000", ` + written(url("rediss"))
		}},
		"no source": {says: "A fork needs a source", source: func(*testing.T, *acctest.Sandbox) string { return "url_wo_version = 1" }},
		"a store that nobody knows": {says: "Unable to find Key-Value Store", source: func(*testing.T, *acctest.Sandbox) string {
			return `instance_id = "00000000-0000-4000-8000-000000000000"`
		}},
		"a store that is not ready": {says: "is provisioning, so it cannot be copied yet",
			source: func(t *testing.T, sb *acctest.Sandbox) string {
				sb.Inject(sandbox.Fault{Match: sandbox.Match{Method: "POST", Path: "/apps/*/addons"},
					Do: sandbox.Effect{Provisioning: "stuck"}})
				someone := sb.Client(t)
				slow, err := someone.CreateAddOn(t.Context(), mustCreateApp(t, someone, "orders-former").ID,
					heroku.AddOnCreate{Plan: "heroku-redis:mini", Name: "orders-old"})
				if err != nil {
					t.Fatal(err)
				}
				return fmt.Sprintf("instance_id = %q", slow.ID)
			}},
		"a shield plan": {plan: "shield-7", says: "Heroku does not fork to shield plans",
			source: func(*testing.T, *acctest.Sandbox) string { return written(url("rediss")) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sb := acctest.Start(t, func(o *sandbox.Options) { o.Clock, o.Provisioning = nil, time.Millisecond })
			plan := "mini"
			if test.plan != "" {
				plan = test.plan
			}
			cli := sb.CLI(t, forked(plan, test.source(t, sb)))
			result := cli.Run("apply", "-auto-approve", "-input=false", "-no-color")
			if result.Code != 1 || !acctest.Says(test.says).MatchString(result.Output()) {
				t.Errorf("it exited %d, and does not say %q:\n%s", result.Code, test.says, result.Output())
			}
			if strings.Contains(result.Output(), "canary") {
				t.Errorf("a part of the URL is in the output:\n%s", result.Output())
			}
			expectNoOrder(t, sb)
		})
	}
}

// A private store cannot be asked from here, but Heroku copies it: that nothing is proven is said, and the copy stays.
func TestLongInstance_forkOfAPrivateStore(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	someone := sb.Client(t)
	app := mustCreateAppIn(t, someone, private)
	source, err := someone.CreateAddOn(t.Context(), app.ID, heroku.AddOnCreate{Plan: "heroku-redis:private-7", Name: "orders-old"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := someone.WaitStoreAvailable(t.Context(), source.ID, "private-7", aWhile); err != nil {
		t.Fatal(err)
	}
	fill(t, sb.RedisFrom(t, "orders-web", "orders-old"))
	config := storeOn(app.ID, `plan = "private-9"`, fmt.Sprintf("fork = { instance_id = %q }", source.ID))
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		Steps: []resource.TestStep{
			{
				Config: config,
				PostApplyFunc: func() {
					expectCopy(t, sb.RedisFrom(t, "orders-web", "orders-old"), sb.RedisFrom(t, "orders-web", "orders-cache"))
				},
			},
			{Config: config, ConfigPlanChecks: noChange},
		},
	})
}

// A copy that lacks keys is found out: the new store goes, the source stays, and the error has both counts.
func TestAccInstance_forkIncomplete(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	source, _ := sourceStore(t, sb, "premium-0")
	fill(t, sb.Redis(t, "orders-old"))
	sb.Inject(sandbox.Fault{Match: sandbox.Match{Method: "POST", Path: "/apps/*/addons"}, Do: sandbox.Effect{Fork: "incomplete"}})
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		Steps: []resource.TestStep{{
			Config: forked("premium-0", fmt.Sprintf("instance_id = %q", source.ID)),
			ExpectError: regexp.MustCompile("(?s)The fork is not complete.*" + acctest.Says(fmt.Sprintf("The store %s "+
				"has 107 keys, 52 of which expire (54 in database 0, 53 in database 3). The copy", source.ID)).String()),
		}},
	})
	if left := sb.Living(); len(left) != 1 || left[0].Name != "orders-old" {
		t.Errorf("left are %+v, want the source", left)
	}
	if kept := contents(t, sb.Redis(t, "orders-old")); len(kept) != 107 {
		t.Errorf("the source has %d keys, want its 107", len(kept))
	}
}

// A fork that Heroku gives up is an error without the URL that it was ordered with.
func TestAccInstance_forkFails(t *testing.T) {
	t.Parallel()
	for name, trouble := range map[string]string{"the source refuses Heroku": "refused", "the source goes meanwhile": "lost"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sb := acctest.Start(t, func(o *sandbox.Options) { o.Clock, o.Provisioning = nil, time.Millisecond })
			url, client := outsideServer(t)
			fill(t, client)
			sb.Inject(sandbox.Fault{Match: sandbox.Match{Method: "POST", Path: "/apps/*/addons"}, Do: sandbox.Effect{Fork: trouble}})
			cli := sb.CLI(t, forked("premium-0", fmt.Sprintf("url_wo = %q", url)))
			log := filepath.Join(t.TempDir(), "trace.log")
			cli.Env = append(cli.Env, "TF_LOG=TRACE", "TF_LOG_PATH="+log)
			result := cli.Run("apply", "-auto-approve", "-input=false", "-no-color")
			if result.Code != 1 || !acctest.Says("Unable to create Key-Value Store").MatchString(result.Output()) {
				t.Errorf("it exited %d:\n%s", result.Code, result.Output())
			}
			if _, there := cli.Object(store); there {
				t.Error("a store that Heroku gave up is in the state")
			}
			trace, err := os.ReadFile(log)
			if err != nil || !strings.Contains(string(trace), "path=/apps/") {
				t.Errorf("the log does not even have the order, so nothing is proven: %v", err)
			}
			for where, text := range map[string]string{"the output": result.Output(), "the state": cli.StateFile(),
				"the log": string(trace)} {
				if strings.Contains(text, "canary") {
					t.Errorf("a part of the URL is in %s", where)
				}
			}
		})
	}
}
