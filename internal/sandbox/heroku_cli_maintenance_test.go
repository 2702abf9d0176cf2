// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

//go:build herokucli

package sandbox_test

import (
	"testing"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// The commands for maintenances and maintenance windows of a store.
func TestHerokuCLI_seesMovesSchedulesAndRunsMaintenance(t *testing.T) {
	t.Parallel()
	if oldHerokuCLI {
		t.Skip("this version has no data:maintenances, but redis:maintenance")
	}
	s, cli := newHerokuCLI(t, func(o *sandbox.Options) { o.Maintenance = 20 * time.Second })
	cli.follow(t, []step{
		{run: "apps:create orders-web"},
		{run: "data:maintenances -a orders-web", exit: 2, says: []string{"No maintenances found for app orders-web"}},
		{run: "addons:create heroku-redis:premium-0 -a orders-web --name orders-cache"},
		{run: "addons:create heroku-redis:mini -a orders-web --name orders-small"},
		{run: "redis:wait orders-cache --wait-interval 1 -a orders-web"},
		{run: "redis:wait orders-small --wait-interval 1 -a orders-web"},

		{run: "data:maintenances:info orders-cache -a orders-web", says: []string{"addon_name: +orders-cache", "addon_plan: +premium-0",
			"status: +none", "addon_window: +[A-Z][a-z]+days \\d\\d:[03]0 to "}},
		{run: "data:maintenances:window orders-cache -a orders-web", says: []string{"window: +[A-Z][a-z]+days"}},
		{run: "data:maintenances:window:update orders-cache Monday 22:30 -a orders-web",
			says: []string{"window: +Mondays 22:30 to Tuesdays 02:30 UTC", "previous_window: +[A-Z][a-z]+days"}},
		{run: "data:maintenances:window:update orders-cache sunday 1:30PM -a orders-web", says: []string{"window: +Sundays 13:30 to 17:30 UTC"}},
		{run: "data:maintenances:window:update orders-cache Sunday 14:31 -a orders-web", exit: 2, says: []string{"full or half hour"}},
		{run: "data:maintenances:window:update orders-small Sunday 14:30 -a orders-web", exit: 2,
			says: []string{"not available on the mini plan"}},
		{run: "data:maintenances:run orders-cache -a orders-web --confirm orders-web", exit: 2, says: []string{"no maintenance that is ready"}},
		{run: "data:maintenances:wait orders-cache -a orders-web", exit: 2},
		{run: "redis:info orders-cache -a orders-web", says: []string{"Maintenance: +not required",
			"Maintenance window: +Sundays 13:30 to 17:30 UTC"}},
	})

	if err := s.RequireMaintenance("orders-cache", 60*24*time.Hour); err != nil {
		t.Fatal(err)
	}
	cli.follow(t, []step{
		{run: "data:maintenances -a orders-web", says: []string{"orders-cache", "ready", "Sundays 13:30 to 17:30 UTC"}},
		{run: "data:maintenances:info orders-cache -a orders-web", says: []string{"status: +ready", "reason: +routine_maintenance",
			"method: +failover", "scheduled_for: +20", "required_by: +20"}},
		{run: "redis:info orders-cache -a orders-web", says: []string{"Maintenance: +required by 20"}},
		{run: "data:maintenances:schedule orders-cache -a orders-web --weeks 3",
			says: []string{"(?i)orders-cache.* (moved|rescheduled|scheduled)"}},
		{run: "data:maintenances:schedule orders-cache -a orders-web --weeks -1"},
		{run: "data:maintenances:schedule orders-cache -a orders-web --weeks 50", exit: 2, says: []string{"required by"}},
		{run: "data:maintenances:run orders-cache -a orders-web", exit: 2, says: []string{"maintenance mode|confirm"}},
		{run: "maintenance:on -a orders-web", says: []string{"Enabling maintenance mode for .*done"}},
		{run: "data:maintenances:run orders-cache -a orders-web", says: []string{"maintenance triggered"}},
		{run: "data:maintenances:wait orders-cache -a orders-web"},
		{run: "maintenance:off -a orders-web", says: []string{"done"}},
		{run: "data:maintenances:info orders-cache -a orders-web", says: []string{"status: +completed", "duration_approximate",
			"duration_seconds: +20"}},

		// A version upgrade is prepared, and then run like any other maintenance.
		{run: "redis:upgrade orders-cache --version 8.0 -a orders-web --confirm orders-web", says: []string{"(?i)upgrad"}},
		{run: "redis:wait orders-cache --wait-interval 1 -a orders-web"},
		{run: "data:maintenances:run orders-cache -a orders-web --confirm orders-web --wait", says: []string{"maintenance completed"}},
		{run: "redis:info orders-cache -a orders-web", says: []string{"Version: +8.0.2", "Maintenance: +not required"}},
		{run: "data:maintenances:history orders-cache -a orders-web -n 3", says: []string{"customer_request", "routine_maintenance",
			"completed"}},
		{run: "apps:destroy -a orders-web --confirm orders-web"},
	})
}

// Versions before 11 have one command for everything about maintenance.
func TestHerokuCLI_maintainsAsOldVersionsDo(t *testing.T) {
	t.Parallel()
	if !oldHerokuCLI {
		t.Skip("this version has no redis:maintenance")
	}
	s, cli := newHerokuCLI(t)
	cli.follow(t, []step{
		{run: "apps:create orders-web"},
		{run: "addons:create heroku-redis:premium-0 -a orders-web --name orders-cache"},
		{run: "redis:wait --wait-interval 1 -a orders-web"},
		{run: "redis:maintenance -a orders-web", says: []string{"Maintenance not required, window is [A-Z][a-z]+days"}},
		{run: "redis:maintenance -a orders-web --run --force", exit: 2, says: []string{"no maintenance that is ready"}},
	})
	if err := s.RequireMaintenance("orders-cache", 60*24*time.Hour); err != nil {
		t.Fatal(err)
	}
	s.Clock().Advance(time.Minute)
	cli.follow(t, []step{
		{run: "redis:maintenance -a orders-web --run", exit: 1, says: []string{"Application must be in maintenance mode"}},
		{run: "redis:maintenance -a orders-web --run --force", says: []string{"(?i)maintenance"}},
		{run: "apps:destroy -a orders-web --confirm orders-web"},
	})
}
