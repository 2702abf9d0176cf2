// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"encoding/base64"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
)

// These stories need a real CLI: signals, kills and logs are beyond terraform-plugin-testing.

func TestAccInterruption_whileProvisioning(t *testing.T) {
	t.Parallel()
	for name, signal := range map[string]os.Signal{"SIGINT": syscall.SIGINT, "SIGTERM": syscall.SIGTERM} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sb := acctest.Start(t)
			cli := sb.InRealTime(sb.CLI(t, appAndStore("premium-0")))

			apply := cli.Start("apply", "-auto-approve", "-input=false", "-no-color")
			sb.Await(t, "POST", "/apps/.*/addons")
			sb.Await(t, "GET", "/addons.*") // the provider is waiting for the store now
			apply.Signal(signal)
			result := apply.Wait()

			// the provider is back though the sandbox's clock stands still, the run has failed, and the store is kept, not tainted
			if result.Code != 1 {
				t.Errorf("an interrupted apply exited %d, want 1", result.Code)
			}
			if !acctest.Says("Key-Value Store is not ready yet").MatchString(result.Output()) {
				t.Errorf("the output does not say what became of the store:\n%s", result.Output())
			}
			kept, ok := cli.Object(store)
			if !ok || kept.Tainted || kept.Attributes["id"] == nil {
				t.Fatalf("the state has %+v (found: %v), want the untainted store with its id", kept, ok)
			}

			// the next apply finishes it with no second order
			sb.Clock().Advance(10 * time.Minute)
			cli.Apply()
			finished, _ := cli.Object(store)
			if finished.Attributes["id"] != kept.Attributes["id"] || finished.Attributes["state"] != "provisioned" {
				t.Errorf("after the next apply the state has %+v", finished)
			}
			if orders := sb.Requests("POST", "/apps/.*/addons"); len(orders) != 1 {
				t.Errorf("%d orders were sent, want 1", len(orders))
			}
			if plan := cli.Run("plan", "-detailed-exitcode", "-input=false"); plan.Code != 0 {
				t.Errorf("the plan after it exited %d, want 0 (no changes):\n%s", plan.Code, plan.Output())
			}
		})
	}
}

// The next apply may come while the store is still not ready: then it is the one that waits.
func TestLongInterruption_resumedWhileProvisioning(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	cli := sb.InRealTime(sb.CLI(t, appAndStore("premium-0", `notify_keyspace_events = "KEA"`)))

	apply := cli.Start("apply", "-auto-approve", "-input=false", "-no-color")
	sb.Await(t, "POST", "/apps/.*/addons")
	sb.Await(t, "GET", "/addons.*")
	apply.Signal(syscall.SIGINT)
	apply.Wait()

	plan := cli.Run("plan", "-input=false", "-no-color")
	if !strings.Contains(plan.Stdout, "will be updated in-place") || strings.Contains(plan.Stdout, "must be replaced") {
		t.Errorf("the plan after an interrupted create is not an update in place:\n%s", plan.Output())
	}
	sb.ResetJournal()
	cli.Attach(sb.Factories()["kvs"]).Apply() // its waits advance the clock
	if orders := sb.Requests("POST", "/apps/.*/addons"); len(orders) != 0 {
		t.Errorf("the second apply sent %d orders, want none", len(orders))
	}
	expectServerSettings(t, sb, "300", "noeviction", "AKE")
}

// The plan of -replace creates a store under the name of a protected one, which is refused. Without a refresh a plan knows
// nothing of a tainted store, so the destroy itself has to refuse.
func TestAccInterruption_forcedReplacement(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	cli := sb.CLI(t, strings.Replace(appAndStore("mini"), "deletion_protection = false", "", 1))

	cli.Apply()
	refused := func(what, summary string, args ...string) {
		t.Helper()
		result := cli.Run(append([]string{"apply", "-auto-approve", "-input=false", "-no-color"}, args...)...)
		if result.Code != 1 || !acctest.Says(summary).MatchString(result.Output()) {
			t.Errorf("%s exited %d:\n%s", what, result.Code, result.Output())
		}
	}
	refused("a forced replacement", "A protected Key-Value Store has this name", "-replace="+store)
	named := cli.File("main.tf")
	cli.Configure(strings.Replace(named, `"orders-cache"`, "null", 1))
	refused("a forced replacement by one without a name", "is to be replaced, because of -replace", "-replace="+store)
	cli.Configure(named)
	cli.Run("taint", store)
	refused("the replacement of a tainted store", "Key-Value Store is protected from deletion", "-refresh=false")

	// the way out that the message names leaves the same store
	cli.Run("untaint", store)
	if plan := cli.Run("plan", "-detailed-exitcode", "-input=false"); plan.Code != 0 {
		t.Errorf("the plan after untaint exited %d, want 0 (no changes):\n%s", plan.Code, plan.Output())
	}
	if living := sb.Living(); len(living) != 1 {
		t.Errorf("%d stores live, want the one", len(living))
	}
}

// No URL or password of a store is in state, plan, output or the most talkative log.
func TestAccSecrets_nowhere(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	cli := sb.CLI(t, appAndStore("premium-0")+`
ephemeral "kvs_credentials" "cache" {
  instance_id = kvs_instance.cache.id
}

resource "terraform_data" "user" {
  input = kvs_instance.cache.id

  provisioner "local-exec" {
    command = "test -n \"$STORE_URL\" && printf %s \"$STORE_URL\" > used"
    environment = {
      STORE_URL = ephemeral.kvs_credentials.cache.url
    }
  }
}
`)
	log := t.TempDir() + "/trace.log"
	cli.Env = []string{"TF_LOG=TRACE", "TF_LOG_PATH=" + log}

	apply := cli.Start("apply", "-auto-approve", "-input=false", "-no-color")
	sb.Await(t, "POST", "/apps/.*/addons")
	sb.Clock().Advance(10 * time.Minute)
	applied := apply.Wait()
	if applied.Code != 0 {
		t.Fatalf("the apply exited %d:\n%s", applied.Code, applied.Output())
	}
	planned := cli.Run("plan", "-input=false", "-no-color", "-out=saved")
	shown := cli.Run("show", "-json", "saved")
	state := cli.Run("show", "-json")
	trace, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}

	// the positive control: the URL was really there, and the log is talkative enough to show the request that fetched it
	secret := cli.File("used")
	password := passwordOf(t, secret)
	if !strings.Contains(string(trace), "path=/redis/v0/databases/") {
		t.Error("the log does not show the request for the URL, so the absence of secrets in it proves nothing")
	}

	places := map[string]string{
		"the state":           cli.StateFile() + state.Output(),
		"the plan":            shown.Output(),
		"the output of plan":  planned.Output(),
		"the output of apply": applied.Output(),
		"the log":             string(trace),
	}
	for place, text := range places {
		for kind, canary := range map[string]string{"the URL": secret, "the password": password, "the API token": sb.Token()} {
			for _, form := range []string{canary, url.QueryEscape(canary), base64.StdEncoding.EncodeToString([]byte(canary))} {
				if strings.Contains(text, form) {
					t.Errorf("%s is in %s", kind, place)
				}
			}
		}
	}
}

func passwordOf(t *testing.T, raw string) string {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal("the store's URL cannot be parsed")
	}
	password, ok := u.User.Password()
	if !ok || len(password) < 8 {
		t.Fatal("the store's URL has no password worth hiding, so the test would prove nothing")
	}
	return password
}
