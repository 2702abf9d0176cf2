// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"strings"
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
)

// What Terraform itself has to say about replacements, as the guide has it.

// withLifecycle adds a lifecycle to the store.
func withLifecycle(config, lifecycle string) string {
	return strings.Replace(config, `attachment_name     = "REDIS"`, `attachment_name     = "REDIS"
  lifecycle {
    `+lifecycle+`
  }`, 1)
}

// moved applies both and wants the data behind every app, in one store.
func (l *lab) moved(before, after string) acctest.Result {
	l.Helper()
	l.mustApply(before)
	redis := l.Redis(l.T, "orders-cache")
	seed(l.T, redis)
	seeded := datasetOf(l.T, redis)
	result := l.mustApply(after)
	l.expectServed(bothApps, seeded)
	l.expectAlone("premium-1")
	return result
}

// It is an update, so what is about destroying and creating does not concern it.
func TestAccReplacement_lifecycle(t *testing.T) {
	t.Parallel()
	for _, lifecycle := range []string{"create_before_destroy = true", "prevent_destroy = true"} {
		t.Run(lifecycle, func(t *testing.T) {
			t.Parallel()
			before, after := withLifecycle(twoApps("web", "premium-0", ""), lifecycle),
				withLifecycle(twoApps("api", "premium-1", ""), lifecycle)
			l := newLab(t, before)
			l.moved(before, after)
		})
	}
	t.Run("what is replaced with the id", func(t *testing.T) {
		t.Parallel()
		follower := `
resource "terraform_data" "follower" {
  input = "restarted"
  lifecycle {
    replace_triggered_by = [kvs_instance.cache.id]
  }
}
`
		l := newLab(t, twoApps("web", "premium-0", "")+follower)
		result := l.moved(twoApps("web", "premium-0", "")+follower, twoApps("api", "premium-1", "")+follower)
		if !acctest.Says("terraform_data.follower will be replaced due to changes in replace_triggered_by").MatchString(result.Output()) {
			t.Errorf("the follower was not replaced:\n%s", result.Output())
		}
	})
	t.Run("a saved plan", func(t *testing.T) {
		t.Parallel()
		l := newLab(t, twoApps("web", "premium-0", ""))
		l.mustApply(twoApps("web", "premium-0", ""))
		l.cli.Configure(twoApps("api", "premium-1", ""))
		if plan := l.run(mishap{}, "plan", "-out=saved", "-input=false"); plan.Code != 0 {
			t.Fatalf("plan exited %d:\n%s", plan.Code, plan.Output())
		}
		// what is written and attached between plan and apply is carried over as well
		redis := l.Redis(t, "orders-cache")
		seed(t, redis)
		seeded := datasetOf(t, redis)
		if apply := l.run(mishap{}, "apply", "-input=false", "-no-color", "saved"); apply.Code != 0 {
			t.Fatalf("apply exited %d:\n%s", apply.Code, apply.Output())
		}
		l.expectServed(bothApps, seeded)
		l.expectAlone("premium-1")
	})
}

// A replacement that Terraform itself forces is a destroy, which the protection stops at apply; the data stays.
func TestLongReplacement_forced(t *testing.T) {
	t.Parallel()
	protected := strings.ReplaceAll(twoApps("web", "premium-0", ""), "deletion_protection = false", "")
	trigger := func(version string) string {
		return withLifecycle(protected, "replace_triggered_by = [terraform_data.version]") + `
resource "terraform_data" "version" {
  input = "` + version + `"
}
`
	}
	t.Run("by replace_triggered_by", func(t *testing.T) {
		t.Parallel()
		l := newLab(t, trigger("1"))
		l.mustApply(trigger("1"))
		l.cli.Configure(trigger("2"))
		l.mustRefuse("A protected Key-Value Store has this name", "apply", "-auto-approve")
		l.expectOneStore()
	})
	t.Run("by create_before_destroy and -replace", func(t *testing.T) {
		t.Parallel()
		config := withLifecycle(protected, "create_before_destroy = true")
		l := newLab(t, config)
		l.mustApply(config)
		l.mustRefuse("A protected Key-Value Store has this name", "apply", "-auto-approve", "-replace="+store)
		l.expectOneStore()
	})
	t.Run("by -replace in the middle", func(t *testing.T) {
		t.Parallel()
		l := newLab(t, protected)
		l.mustApply(protected)
		redis := l.Redis(t, "orders-cache")
		seed(t, redis)
		seeded := datasetOf(t, redis)
		after := strings.ReplaceAll(twoApps("api", "premium-1", ""), "deletion_protection = false", "")
		l.cli.Configure(after)
		l.apply(mishap{kind: crashed, write: 3, of: attaching})
		l.mustRefuse("A protected Key-Value Store has this name", "apply", "-auto-approve", "-replace="+store)
		l.expectServed(bothApps, seeded)
		l.mustApply(after)
		l.expectServed(bothApps, seeded)
		l.expectAlone("premium-1")
	})
}

func (l *lab) expectOneStore() {
	l.Helper()
	if living := l.Living(); len(living) != 1 || living[0].Name != "orders-cache" {
		l.Errorf("%+v live, want orders-cache alone", living)
	}
}

// Two stores of one app move in one apply: the app is held until both have, and each keeps its name and its data.
func TestLongReplacement_twoStores(t *testing.T) {
	t.Parallel()
	config := func(owner, plan string) string {
		return `
resource "kvs_app" "web" {
  name = "orders-web"
}

resource "kvs_app" "api" {
  name = "orders-api"
}

resource "kvs_instance" "all" {
  for_each = { cache = "REDIS", jobs = "JOBS" }

  app_id              = kvs_app.` + owner + `.id
  plan                = "` + plan + `"
  name                = "orders-${each.key}"
  attachment_name     = each.value
  deletion_protection = false
  ` + heldStill + `
}
`
	}
	for _, happens := range []mishap{{}, {kind: crashed, write: 2, of: forkOrdered},
		{kind: crashed, write: 6, of: attaching}, {kind: interrupted, write: 2, of: forkOrdered}} {
		t.Run(strings.TrimSpace("moving, "+happens.kind), func(t *testing.T) {
			t.Parallel()
			l := newLab(t, config("web", "premium-0"))
			l.mustApply(config("web", "premium-0"))
			seeded := map[string]dataset{}
			for _, name := range []string{"orders-cache", "orders-jobs"} {
				redis := l.Redis(t, name)
				seed(t, redis)
				redis.Set(t.Context(), "name", name, 0)
				seeded[name] = datasetOf(t, redis)
			}
			l.cli.Configure(config("api", "premium-1"))
			if first := l.apply(happens); happens.kind == "" && first.Code != 0 {
				t.Errorf("apply exited %d:\n%s", first.Code, first.Output())
			}
			l.expectServed(map[string]string{"orders-web": "REDIS"}, seeded["orders-cache"])
			l.expectServed(map[string]string{"orders-web": "JOBS"}, seeded["orders-jobs"])
			l.mustApply(config("api", "premium-1"))
			for _, app := range []string{"orders-web", "orders-api"} {
				l.expectServed(map[string]string{app: "REDIS"}, seeded["orders-cache"])
				l.expectServed(map[string]string{app: "JOBS"}, seeded["orders-jobs"])
				expectScale(t, l.Sandbox, app, map[string]int{"web": 1, "worker": 1})
			}
			if living := l.Living(); len(living) != 2 {
				t.Errorf("%+v live, want two stores", living)
			}
			l.expectNoChanges()
		})
	}
}
