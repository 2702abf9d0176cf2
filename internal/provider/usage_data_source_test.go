// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
	"github.com/redis/go-redis/v9"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

func usageOf(id string) string {
	return fmt.Sprintf("data \"kvs_usage\" \"cache\" {\n  instance_id = %s\n}\n", id)
}

func usage(attribute string, value knownvalue.Check) statecheck.StateCheck {
	return statecheck.ExpectKnownValue("data.kvs_usage.cache", tfjsonpath.New(attribute), value)
}

// between is a number that nobody knows exactly.
func between(least, most int64) knownvalue.Check {
	return knownvalue.Int64Func(func(n int64) error {
		if n < least || n > most {
			return fmt.Errorf("%d is not from %d to %d", n, least, most)
		}
		return nil
	})
}

func TestAccUsage_againstThePlan(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	config := appAndStore("premium-0", `maxmemory_policy = "allkeys-lru"`) + usageOf("kvs_instance.cache.id")
	const filled = 20 << 20
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{ // an empty store that is made in the same run
				Config: config,
				ConfigStateChecks: []statecheck.StateCheck{
					usage("reachable", knownvalue.Bool(true)),
					usage("unreachable_reason", knownvalue.Null()),
					usage("version", knownvalue.NotNull()),
					usage("role", knownvalue.StringExact("primary")),
					usage("memory_used", between(100_000, 10<<20)),
					usage("memory_peak", between(100_000, 50<<20)),
					usage("memory_limit", knownvalue.Int64Exact(50<<20)),
					usage("connections", between(1, 5)),
					usage("connection_limit", knownvalue.Int64Exact(40)),
					usage("keys", knownvalue.Int64Exact(0)),
					usage("evicted_keys", knownvalue.Int64Exact(0)),
					usage("hit_rate", knownvalue.Null()),
					usage("maxmemory_policy", knownvalue.StringExact("allkeys-lru")),
					usage("can_fork", knownvalue.Bool(true)),
				},
			},
			{ // what is written and read shows in the next run, in which nothing else is to do
				PreConfig: func() {
					client := sb.Redis(t, "orders-cache")
					// In pieces: the server's buffers for one large command would count as used for a while.
					for i := range filled >> 20 {
						if err := client.Set(t.Context(), fmt.Sprint("part", i), strings.Repeat("x", 1<<20), 0).Err(); err != nil {
							t.Error(err)
						}
					}
					if err := errors.Join(client.Get(t.Context(), "part0").Err(), client.Get(t.Context(), "part1").Err()); err != nil {
						t.Error(err)
					}
					_ = client.Get(t.Context(), "missing").Err()
				},
				Config:           config,
				ConfigPlanChecks: noChange,
				ConfigStateChecks: []statecheck.StateCheck{
					usage("memory_used", between(filled, 50<<20)),
					usage("memory_used_percent", knownvalue.Float64Func(func(percent float64) error {
						if percent < 40 || percent > 90 {
							return fmt.Errorf("%v %% is used", percent)
						}
						return nil
					})),
					usage("keys", knownvalue.Int64Exact(filled>>20)),
					usage("hit_rate", knownvalue.Float64Exact(0.6667)),
				},
			},
			{ // another eviction policy, and a server without space
				PreConfig: func() {
					client := sb.Redis(t, "orders-cache")
					for i := range 40 {
						if err := client.Set(t.Context(), fmt.Sprint("key", i), strings.Repeat("x", 1<<20), 0).Err(); err != nil {
							t.Error(err)
						}
					}
				},
				Config:            config,
				ConfigStateChecks: []statecheck.StateCheck{usage("evicted_keys", between(1, 60))},
			},
		},
	})
}

// switchOff has a store refuse the password of its URL.
func switchOff(t *testing.T, sb *acctest.Sandbox, store string) error {
	t.Helper()
	return sb.Admin(t.Context(), store, func(admin *redis.Client) error {
		return admin.Do(t.Context(), "ACL", "SETUSER", "h", "off").Err()
	})
}

// What cannot be reached is said, and what the plan says is said all the same.
func TestLongUsage_unreachable(t *testing.T) {
	t.Parallel()
	unreachable := func(reason string, limits ...statecheck.StateCheck) []statecheck.StateCheck {
		checks := append(limits, usage("reachable", knownvalue.Bool(false)), usage("unreachable_reason", knownvalue.StringExact(reason)))
		for _, attribute := range []string{
			"version", "role", "memory_used", "memory_peak", "memory_used_percent", "connections", "keys",
			"evicted_keys", "hit_rate", "maxmemory_policy", "can_fork",
		} {
			checks = append(checks, usage(attribute, knownvalue.Null()))
		}
		return checks
	}
	t.Run("a private store", func(t *testing.T) {
		t.Parallel()
		sb := acctest.Start(t)
		app := mustCreateAppIn(t, sb.Client(t), private)
		config := storeOn(app.ID, `plan = "private-7"`) + usageOf("kvs_instance.cache.id")
		acctest.Test(t, resource.TestCase{
			ProtoV6ProviderFactories: sb.Factories(),
			Steps: []resource.TestStep{
				{
					Config: config,
					ConfigStateChecks: unreachable("dns",
						usage("memory_limit", knownvalue.Int64Exact(7<<30)), usage("connection_limit", knownvalue.Int64Exact(10000))),
				},
				{Config: config, ConfigPlanChecks: noChange},
			},
		})
	})
	t.Run("a store that is being made", func(t *testing.T) {
		t.Parallel()
		sb := acctest.Start(t)
		someone := sb.Client(t)
		sb.Inject(sandbox.Fault{Match: sandbox.Match{Method: "POST", Path: "/apps/*/addons"}, Do: sandbox.Effect{Provisioning: "stuck"}})
		slow, err := someone.CreateAddOn(t.Context(), mustCreateApp(t, someone, "orders-web").ID,
			heroku.AddOnCreate{Plan: "heroku-redis:mini", Name: "orders-slow"})
		if err != nil {
			t.Fatal(err)
		}
		acctest.Test(t, resource.TestCase{
			ProtoV6ProviderFactories: sb.Factories(),
			Steps: []resource.TestStep{{
				Config: usageOf(fmt.Sprintf("%q", slow.ID)),
				ConfigStateChecks: unreachable("not_ready", usage("memory_limit", knownvalue.Int64Exact(25<<20)),
					usage("connection_limit", knownvalue.Int64Exact(20))),
			}},
		})
	})
	t.Run("a store that refuses its password", func(t *testing.T) {
		t.Parallel()
		sb := acctest.Start(t)
		config := appAndStore("mini")
		acctest.Test(t, resource.TestCase{
			ProtoV6ProviderFactories: sb.Factories(),
			Steps: []resource.TestStep{
				{Config: config},
				{
					PreConfig: func() {
						if err := switchOff(t, sb, "orders-cache"); err != nil {
							t.Error(err)
						}
					},
					Config:            config + usageOf("kvs_instance.cache.id"),
					ConfigStateChecks: unreachable("auth"),
				},
			},
		})
	})
}

// Without a real server behind it a store says little, and nothing is made up.
func TestAccUsage_miniredis(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t, func(o *sandbox.Options) { o.Engine = "miniredis" })
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		Steps: []resource.TestStep{{
			Config: appAndStore("premium-0") + usageOf("kvs_instance.cache.id"),
			ConfigStateChecks: []statecheck.StateCheck{
				usage("reachable", knownvalue.Bool(true)),
				usage("version", knownvalue.Null()),
				usage("memory_used", knownvalue.Null()),
				usage("memory_limit", knownvalue.Int64Exact(50<<20)),
				usage("keys", knownvalue.Null()),
				usage("evicted_keys", knownvalue.Null()),
				usage("can_fork", knownvalue.Bool(false)),
			},
		}},
	})
}

func TestAccUsage_refusal(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		Steps: []resource.TestStep{
			{Config: usageOf(`"00000000-0000-4000-8000-000000000000"`), ExpectError: acctest.Says("Unable to find Key-Value Store")},
			{Config: usageOf(`"orders-cache"`), ExpectError: acctest.Says("give a UUID in lower case")},
		},
	})
}

// The URL is in no state, no plan, no output and no log, also when the store cannot be reached; what stands beside it is.
func TestAccUsage_keepsTheURL(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t, func(o *sandbox.Options) { o.Clock, o.Provisioning = nil, time.Millisecond })
	cli := sb.CLI(t, appAndStore("mini")+usageOf("kvs_instance.cache.id"))
	log := filepath.Join(t.TempDir(), "trace.log")
	cli.Env = append(cli.Env, "TF_LOG=TRACE", "TF_LOG_PATH="+log)
	printed := cli.Apply().Output()

	someone := sb.Client(t)
	addOn, err := someone.FindAddOn(t.Context(), "orders-cache")
	if err != nil {
		t.Fatal(err)
	}
	info, err := someone.Store(t.Context(), addOn.ID)
	if err != nil {
		t.Fatal(err)
	}
	password := passwordOf(t, info.ResourceURL.Reveal())
	_, address, _ := strings.Cut(info.ResourceURL.Reveal(), "@")
	if err := switchOff(t, sb, "orders-cache"); err != nil {
		t.Fatal(err)
	}
	printed += cli.Apply().Output() + cli.Run("plan", "-input=false", "-no-color",
		"-out=saved").Output() + cli.Run("show", "-json", "saved").Output()

	state := cli.StateFile()
	if !strings.Contains(state, `"unreachable_reason": "auth"`) {
		t.Errorf("the second apply was to find the store unreachable:\n%s", state)
	}
	trace, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	for where, text := range map[string]string{"the state": state, "the output": printed, "the log": string(trace)} {
		if !strings.Contains(text, string(addOn.ID)) {
			t.Errorf("%s does not even have the store's id, so nothing is proven", where)
		}
		for _, part := range []string{password, address, "rediss://h"} {
			if strings.Contains(text, part) {
				t.Errorf("%s has a part of the URL: %q", where, strings.ReplaceAll(part, password, "the password"))
			}
		}
	}
}
