// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

//go:build herokucli

package sandbox_test

import "testing"

// Other commands for an app that has a store.
func TestHerokuCLI_worksOnTheRestOfAnApp(t *testing.T) {
	t.Parallel()
	s, cli := newHerokuCLI(t)
	cli.follow(t, []step{
		{run: "apps:create orders-web --team acme --stack heroku-22", says: []string{"stack is heroku-22"}},
		{run: "apps:create orders-old --stack cedar-14", exit: 2, says: []string{"Couldn't find that stack."}},
		{run: "apps:stacks:set heroku-24 -a orders-web", says: []string{"Setting stack to heroku-24... done"}},
		{run: "apps:stacks -a orders-web", says: []string{`\* heroku-22`, `heroku-24 \(active on next deploy\)`}},
		{run: "buildpacks:set https://github.com/acme/pack -a orders-web", says: []string{"Buildpack set"}},
		{run: "buildpacks -a orders-web", says: []string{"https://github.com/acme/pack"}},
		{run: "access:add member@acme.example -p deploy -a orders-web", says: []string{"done"}},
		{run: "access -a orders-web", says: []string{"member@acme.example +collaborator +deploy, view"}},
		{run: "access:remove member@acme.example -a orders-web", says: []string{"done"}},
		{run: "domains:add shop.acme.example -a orders-web", says: []string{"Adding shop.acme.example to orders-web... done"}},
		{run: "domains -a orders-web", says: []string{"shop.acme.example +CNAME", "orders-web-[0-9a-f]+.herokuapp.com"}},
		{run: "domains:remove shop.acme.example -a orders-web", says: []string{"done"}},
		{run: "drains:add syslog://logs.acme.example:514 -a orders-web", says: []string{"Successfully added drain"}},
		{run: "drains -a orders-web", says: []string{`syslog://logs.acme.example:514 \(d\.`}},
		{run: "drains:remove syslog://logs.acme.example:514 -a orders-web", says: []string{"Successfully removed drain"}},
		{run: "features:enable preboot -a orders-web", says: []string{"Enabling preboot for orders-web... done"}},
		{run: "features:info preboot -a orders-web", says: []string{"Enabled: +true"}},
		{run: "certs:auto:enable -a orders-web", says: []string{"Enabling Automatic Certificate Management"}},
		{run: "certs -a orders-web", says: []string{"no SSL certificates"}},
		{run: "apps:info -a orders-web", says: []string{"Auto Cert Mgmt: +true", "Stack: +heroku-22"}},
		{run: "ps:restart -a orders-web", says: []string{"Restarting .*done"}},
		{run: "ps:type web=standard-2x -a orders-web", says: []string{"web +Standard-2X +1"}},
		{run: "run bash -a orders-web", exit: 2, says: []string{"not enabled for this account"}},
		{run: "config:set CACHE_TTL=300 -a orders-web", says: []string{"done, v4"}},
		{run: "releases:info v4 -a orders-web", says: []string{"Set CACHE_TTL config vars"}},
		{run: "releases:rollback v3 -a orders-web", says: []string{"Rolling back orders-web to v3... done, v5"}},
		{run: "addons:create heroku-postgresql -a orders-web --name orders-db", says: []string{"Created orders-db as DATABASE_URL"}},
		{run: "addons:create scheduler -a orders-web", says: []string{"free", "Created scheduler-"}},
		{run: "addons:upgrade heroku-postgresql:standard-0 -a orders-web", says: []string{`\$50/month`}},
		{run: "addons:rename orders-db orders-store", says: []string{"successfully renamed"}},
		{run: "addons -a orders-web", says: []string{`heroku-postgresql \(orders-store\) +standard-0`, "scheduler"}},
		{run: "addons:plans heroku-redis", says: []string{"default +heroku-redis:mini"}},
		{run: "addons:services", says: []string{"heroku-redis", "heroku-postgresql"}},
		{run: "redis:credentials -a orders-web", exit: 1, says: []string{"No Redis instances found"}},
		{run: "regions", says: []string{"eu +Europe", "us +United States", "singapore +Singapore +Private"}},
		{run: "apps:lock -a orders-web", says: []string{"Locking orders-web... done"}},
		{run: "apps:transfer acme-data -a orders-web", says: []string{"done"}},
		{run: "apps:rename orders-api -a orders-web", says: []string{"Renaming orders-web to orders-api... done"}},
		{run: "apps:destroy -a orders-api --confirm orders-api", says: []string{"done"}},
	})
	if l := s.Ledger(); l.Created != 2 || l.Orphans != 0 {
		t.Errorf("the ledger has %d add-ons created and %d orphans, want 2 and 0", l.Created, l.Orphans)
	}
}
