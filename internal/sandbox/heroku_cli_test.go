// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

//go:build herokucli

package sandbox_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// herokuCLIVersion is the default version of the Heroku CLI in these tests. HEROKU_CLI_VERSION overrides it.
var herokuCLIVersion = cmp.Or(os.Getenv("HEROKU_CLI_VERSION"), "11.10.0")

// herokuCLI is the official Heroku CLI with the settings that make it use a sandbox.
type herokuCLI struct {
	path string
	dir  string // the working directory, outside of any git repository
	env  []string
}

// oldHerokuCLI requests plain JSON from the Data API, and uses older endpoints for maintenances.
var oldHerokuCLI = regexp.MustCompile(`^([89]|10)\.`).MatchString(herokuCLIVersion)

var installing sync.Mutex

// installHerokuCLI installs the CLI with npm into the user's cache, if necessary, and returns its path.
func installHerokuCLI(t *testing.T) string {
	t.Helper()
	installing.Lock()
	defer installing.Unlock()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cache, "terraform-provider-kvs", "heroku-"+herokuCLIVersion)
	path := filepath.Join(dir, "node_modules", ".bin", "heroku")
	if _, err := os.Stat(path); err == nil {
		return path
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Logf("installing the Heroku CLI into %s, about a minute, once", dir)
	npm := exec.CommandContext(t.Context(), "npm", "install", "--prefix", dir, "--ignore-scripts", "--no-audit", "--no-fund",
		"heroku@"+herokuCLIVersion)
	if out, err := npm.CombinedOutput(); err != nil {
		_ = os.RemoveAll(dir)
		t.Fatalf("installing the Heroku CLI with npm (Node.js 20 or later is needed): %v\n%s", err, out)
	}
	return path
}

// newHerokuCLI starts a sandbox and returns a CLI that uses it.
func newHerokuCLI(t *testing.T, change ...func(*sandbox.Options)) (*sandbox.Sandbox, *herokuCLI) {
	t.Helper()
	o := sandbox.Options{Provisioning: 100 * time.Millisecond, Allocation: 3 * time.Second}
	for _, c := range change {
		c(&o)
	}
	s, err := sandbox.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	path, home := installHerokuCLI(t), t.TempDir()
	cache := filepath.Join(home, "cache")
	accepted := filepath.Join(cache, "heroku", "terms-of-service") // an empty file is enough
	if err := errors.Join(os.MkdirAll(filepath.Dir(accepted), 0o700), os.WriteFile(accepted, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	// All of these are needed to limit the CLI to loopback: no updater, no telemetry, no proxy.
	return s, &herokuCLI{path: path, dir: home, env: []string{
		"PATH=" + os.Getenv("PATH"),
		"HOME=" + home, "XDG_CACHE_HOME=" + cache, "XDG_CONFIG_HOME=" + filepath.Join(home, "config"),
		"XDG_DATA_HOME=" + filepath.Join(home,
			"data"),
		"GIT_CONFIG_GLOBAL=" + filepath.Join(home, "gitconfig"),
		"HEROKU_HOST=" + s.URL(), "HEROKU_PARTICLEBOARD_URL=" + s.URL(), "HEROKU_API_KEY=" + s.Token(),
		// Each version reads another one of these.
		"HEROKU_DATA_HOST=127.0.0.1", "HEROKU_REDIS_HOST=127.0.0.1", "HEROKU_POSTGRESQL_HOST=127.0.0.1",
		"DISABLE_TELEMETRY=true", "HEROKU_SKIP_ANALYTICS=1", "HEROKU_SKIP_NEW_VERSION_CHECK=true",
		"HEROKU_DISABLE_AUTOUPDATE=true", "NO_PROXY=127.0.0.1",
		"NO_COLOR=1", "FORCE_COLOR=0", "TERM=dumb",
	}}
}

// run runs a command, and returns everything that it printed and its exit code.
func (c *herokuCLI) run(t *testing.T, commandLine string) (string, int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, c.path, strings.Fields(commandLine)...)
	cmd.Dir, cmd.Env = c.dir, c.env
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) || ctx.Err() != nil {
		t.Fatalf("heroku %s: %v\n%s", commandLine, errors.Join(err, ctx.Err()), output.String())
	}
	return output.String(), cmd.ProcessState.ExitCode()
}

// step is a command, and what it prints.
type step struct {
	run  string
	exit int
	says []string // regular expressions that match the output
}

// foldedError matches the line breaks that the CLI inserts into an error.
var foldedError = regexp.MustCompile(`\s*\n ›\s+`)

func (c *herokuCLI) follow(t *testing.T, steps []step) {
	t.Helper()
	for _, s := range steps {
		output, exit := c.run(t, s.run)
		output = foldedError.ReplaceAllString(output, " ")
		if exit != s.exit {
			t.Errorf("heroku %s: exit code %d, want %d\n%s", s.run, exit, s.exit, output)
		}
		for _, pattern := range s.says {
			if !regexp.MustCompile(pattern).MatchString(output) {
				t.Errorf("heroku %s: no %q in\n%s", s.run, pattern, output)
			}
		}
	}
}

// The life cycle of a store in the Heroku CLI.
func TestHerokuCLI_createsInspectsUpgradesAttachesPromotesAndDestroysAStore(t *testing.T) {
	t.Parallel()
	s, cli := newHerokuCLI(t)

	cli.follow(t, []step{
		{run: "apps:create orders-web", says: []string{"Creating orders-web... done", "https://orders-web-.*herokuapp.com"}},
		{run: "apps:create orders-worker --team acme", says: []string{"Creating orders-worker... done"}},
		{run: "apps:create orders-web", exit: 2, says: []string{"already taken", "invalid_params"}},
		{run: "apps:info -a orders-web", says: []string{"=== orders-web", "Region: +us", "Owner: +admin@acme.example"}},

		// Create a store with settings, and read its credentials.
		{run: "addons:create heroku-redis:premium-0 -a orders-web --name orders-cache -- --timeout 60 --maxmemory_policy allkeys-lru",
			says: []string{`Creating heroku-redis:premium-0 on orders-web\.\.\. .*max \$15/month`,
				"orders-cache is being created in the background"}},
		{run: "addons:wait orders-cache -a orders-web --wait-interval 1"},
		{run: "addons:info orders-cache", says: []string{"Plan: +heroku-redis:premium-0", "Attachments: +orders-web::REDIS",
			"Owning app: +orders-web", "State: +created"}},
		{run: "addons:info REDIS_URL -a orders-web", says: []string{"=== orders-cache"}},
		{run: "addons -a orders-web", says: []string{`heroku-redis \(orders-cache\) +premium-0 .*created`, "as REDIS"}},
		{run: "redis:info -a orders-web", says: []string{
			`=== orders-cache \(REDIS_URL\)`, "Plan: +Premium 0", "Status: +Available", "Timeout: +60", "Maxmemory: +allkeys-lru",
			"Persistence: +AOF", "Plan Connection Limit: +40",
		}},
		{run: "redis:credentials -a orders-web", says: []string{`rediss://h:\w+@127\.0\.0\.1:\d+`}},
		{run: "config -a orders-web", says: []string{`REDIS_URL: +rediss://h:`}},

		// Settings.
		{run: "redis:timeout --seconds 120 -a orders-web", says: []string{`set to 120 seconds`}},
		{run: "redis:maxmemory --policy volatile-lru -a orders-web", says: []string{"set to volatile-lru",
			"volatile-lru evict the least recently used"}},
		{run: "redis:keyspace-notifications --config Ex -a orders-web", says: []string{"set to 'xE'"}},
		{run: "redis:info -a orders-web", says: []string{"Timeout: +120", "Maxmemory: +volatile-lru", "Keyspace Notifications: +xE"}},
		{run: "redis:maxmemory --policy nonsense -a orders-web", exit: 2, says: []string{"noeviction", "unprocessable_entity"}},

		// Attach it to a second app, and detach it again.
		{run: "addons:attach orders-cache --app orders-worker --as CACHE",
			says: []string{"Attaching orders-cache as CACHE to orders-worker... done", "restarting orders-worker... done, v"}},
		{run: "config -a orders-worker", says: []string{"CACHE_URL: +rediss://h:"}},
		{run: "addons -a orders-worker", says: []string{"billed to orders-web app", "as CACHE", "as REDIS on orders-web app"}},
		{run: "addons:destroy orders-cache -a orders-web --confirm orders-web", exit: 1, says: []string{"Cannot destroy last"}},
		{run: "addons:detach CACHE --app orders-worker", says: []string{"Detaching CACHE to orders-cache from orders-worker... done"}},

		// Promote: the new store gets the name REDIS, the old one keeps another name.
		{run: "addons:create heroku-redis:mini -a orders-web --name orders-next", says: []string{"orders-next is being created"}},
		{run: "addons:wait orders-next -a orders-web --wait-interval 1"},
		{run: "redis:promote orders-next -a orders-web", says: []string{"Promoting orders-next to REDIS_URL on orders-web"}},
		{run: "addons:info orders-next", says: []string{"orders-web::REDIS\n"}},
		{run: "addons:info orders-cache", says: []string{"orders-web::HEROKU_REDIS_[A-Z]+\n"}},
		{run: "addons:info REDIS -a orders-web", says: []string{"=== orders-next"}},

		// Change the plan, and fail to change it.
		{run: "addons:upgrade orders-cache premium-1 -a orders-web",
			says: []string{`from heroku-redis:premium-0 to heroku-redis:premium-1\.\.\. done, .*\$30/month`}},
		{run: "redis:wait orders-cache --wait-interval 1 -a orders-web"},
		{run: "redis:info orders-cache -a orders-web", says: []string{"Plan: +Premium 1", "Status: +Available", "Timeout: +120",
			"Plan Connection Limit: +80"}},
		{run: "addons:upgrade orders-cache private-7 -a orders-web", exit: 2, says: []string{"invalid_params"}},
		{run: "addons:create heroku-redis:private-7 -a orders-web", exit: 2, says: []string{"invalid_params"}},
		{run: "addons:create heroku-redis:nonsense -a orders-web", exit: 2, says: []string{"Couldn't find either the add-on"}},
		{run: "releases -a orders-web", says: []string{"Initial release", `Attach REDIS \(@ref:orders-next\)`}},

		// Destroy it.
		{run: "addons:destroy orders-cache -a orders-web --confirm orders-web",
			says: []string{"Destroying orders-cache on orders-web... done"}},
		{run: "addons:destroy orders-next -a orders-web --confirm orders-web", says: []string{"Destroying orders-next " +
			"on orders-web... done"}},
		{run: "addons -a orders-web", says: []string{"No add-ons for app orders-web"}},
		{run: "apps:destroy -a orders-web --confirm orders-web", says: []string{"Destroying orders-web .*done"}},
		{run: "apps:destroy -a orders-worker --confirm orders-worker", says: []string{"Destroying orders-worker .*done"}},
		{run: "apps:info -a orders-web", exit: 2, says: []string{"Couldn't find that app", "not_found"}},
	})

	if l := s.Ledger(); l.Created != 2 || l.Orphans != 0 {
		t.Errorf("the ledger has %d stores created and %d orphans, want 2 and 0", l.Created, l.Orphans)
	}
}

// The URL that the CLI prints opens the store, and the keys survive an upgrade.
func TestHerokuCLI_keysOutliveAnUpgrade(t *testing.T) {
	t.Parallel()
	s, cli := newHerokuCLI(t)
	do := func(commandLine string) string {
		t.Helper()
		output, exit := cli.run(t, commandLine)
		if exit != 0 {
			t.Fatalf("heroku %s: exit code %d\n%s", commandLine, exit, output)
		}
		return strings.TrimSpace(output)
	}
	open := func() *redis.Client {
		t.Helper()
		options, err := redis.ParseURL(do("redis:credentials -a orders"))
		if err != nil {
			t.Fatal("redis:credentials printed no URL")
		}
		options.TLSConfig.InsecureSkipVerify = true
		client := redis.NewClient(options)
		t.Cleanup(func() { _ = client.Close() })
		return client
	}

	do("apps:create orders")
	do("addons:create heroku-redis:premium-0 -a orders")
	do("redis:wait --wait-interval 1 -a orders")
	if err := open().Set(t.Context(), "order:1", "shipped", 0).Err(); err != nil {
		t.Fatal(err)
	}
	do("addons:upgrade heroku-redis premium-1 -a orders")
	do("redis:wait --wait-interval 1 -a orders")
	if value, err := open().Get(t.Context(), "order:1").Result(); value != "shipped" {
		t.Errorf("after the upgrade the key is %q (%v)", value, err)
	}
	// A rotation invalidates the old URL.
	before := open()
	do("redis:credentials --reset -a orders")
	after := do("redis:credentials -a orders")
	if strings.Contains(after, before.Options().Password) {
		t.Error("the password is still the old one")
	}
	do("apps:destroy -a orders --confirm orders")
	if l := s.Ledger(); l.Orphans != 0 {
		t.Errorf("%d orphans", l.Orphans)
	}
}

// The life cycle of a space: its apps, its trusted IP ranges, and the plans that it accepts.
func TestHerokuCLI_createsWaitsForRenamesTransfersAndDestroysASpace(t *testing.T) {
	t.Parallel()
	s, cli := newHerokuCLI(t)
	cli.follow(t, []step{
		{run: "spaces:create --space acme-prod --team acme --region frankfurt --cidr 10.40.0.0/16 --data-cidr " +
			"10.100.0.0/20", says: []string{
			"Creating space acme-prod in team acme... done", "State: +allocating", "Region: +frankfurt", "CIDR: +10.40.0.0/16",
			"Data CIDR: +10.100.0.0/20", "Shield: +off",
		}},
		{run: "spaces:create --space acme-shield --team acme --shield", says: []string{"Shield: +on", "Region: +virginia"}},
		{run: "spaces:create --space acme-prod --team acme", exit: 2, says: []string{"Name acme-prod is already taken"}},
		{run: "spaces:create --space acme-wide --team acme --cidr 10.40.0.0/15", exit: 2, says: []string{"between a /16 and a /16"}},
		{run: "spaces:wait acme-prod --interval 1", says: []string{"Waiting for space acme-prod to allocate... done", "State: +allocated"}},
		{run: "spaces:wait acme-shield --interval 1", says: []string{"State: +allocated"}},
	})
	s.Clock().Advance(time.Minute) // until its addresses and its first ruleset exist
	cli.follow(t, []step{
		{run: "spaces:info acme-prod", says: []string{"Region: +Frankfurt, Germany", "State: +allocated",
			`Outbound IPs: +(\d+\.){3}\d+, (\d+\.){3}\d+, (\d+\.){3}\d+, (\d+\.){3}\d+`}},
		{run: "spaces:peering:info acme-prod", says: []string{"AWS Region: +eu-central-1", "AWS VPC CIDR: +10.40.0.0/16"}},
		{run: "spaces:vpn:connections --space acme-prod", says: []string{"No VPN Connections"}},
		{run: "spaces", says: []string{"acme-prod +acme +frankfurt", "acme-shield +acme +virginia"}},

		{run: "trusted-ips --space acme-prod", says: []string{`0\.0\.0\.0/0`}},
		{run: "trusted-ips:add 192.0.2.0/24 --space acme-prod", says: []string{"Added 192.0.2.0/24 to trusted IP ranges on acme-prod"}},
		{run: "trusted-ips:remove 0.0.0.0/0 --space acme-prod --confirm acme-prod",
			says: []string{"Removed 0.0.0.0/0 from trusted IP ranges on acme-prod"}},
		{run: "trusted-ips:add nonsense --space acme-prod", exit: 2, says: []string{"nonsense.* is not an IPv4 CIDR range"}},
		{run: "trusted-ips --space acme-prod", says: []string{`=== Trusted IP Ranges\s+192\.0\.2\.0/24\s`}},

		{run: "apps:create orders-web --space acme-prod", says: []string{"Creating orders-web in space acme-prod... done"}},
		{run: "apps:create orders-vault --space acme-shield", says: []string{"Creating orders-vault in space acme-shield... done"}},
		{run: "apps:create orders-lost --space nowhere", exit: 2, says: []string{"Couldn't find that space."}},
		{run: "apps:info -a orders-web", says: []string{"Space: +acme-prod", "Region: +frankfurt", "Owner: +acme@"}},
		{run: "apps --space acme-prod", says: []string{"Apps in space acme-prod", "orders-web"}},
		{run: "apps", says: []string{`orders-vault \(virginia\)`, `orders-web \(frankfurt\)`}},
		{run: "spaces:topology acme-prod", says: []string{"orders-web", "orders-web-[0-9a-f]+.herokuapp.com"}},
		{run: "spaces:ps acme-prod"},

		// Plans that do and do not fit. Without a terminal, the prompt for a confirmation ends the command.
		{run: "addons:create heroku-redis:private-7 -a orders-web --name orders-cache",
			says: []string{`Creating heroku-redis:private-7 on orders-web\.\.\. .*\$900/month`, "orders-cache is being created"}},
		{run: "addons:create heroku-redis:shield-7 -a orders-vault --name orders-safe", says: []string{`\$1100/month`}},
		{run: "addons:create heroku-redis:shield-7 -a orders-web", exit: 2, says: []string{"cannot be installed in a Private Space"}},
		{run: "addons:create heroku-redis:private-7 -a orders-vault", exit: 2, says: []string{"cannot be installed in a Shield Space"}},
		{run: "addons:create heroku-redis:premium-0 -a orders-vault --confirm orders-vault", exit: 2,
			says: []string{"cannot be installed in a Shield Space"}},
		{run: "addons:create heroku-redis:premium-0 -a orders-web", says: []string{"not automatically networked with this Private Space"}},
		{run: "addons:create heroku-redis:premium-0 -a orders-web --name orders-out --confirm orders-web",
			says: []string{"orders-out is being created"}},
		{run: "addons:create heroku-redis -a orders-web --name orders-default", says: []string{`\$900/month`}},
		{run: "addons:wait orders-cache -a orders-web --wait-interval 1"},
		{run: "addons -a orders-web", says: []string{`orders-cache\) +private-7 .*created`, `orders-out\) +premium-0`,
			`orders-default\) +private-7`}},
		{run: "redis:credentials orders-cache -a orders-web", says: []string{`rediss://h:\w+@kvs-[0-9a-f]{8}\.acme-prod\.invalid:6380`}},

		{run: "spaces:rename --from acme-prod --to acme-live", says: []string{"acme-live"}},
		{run: "spaces:transfer --space acme-live --team nobody", exit: 2, says: []string{"Couldn't find that team."}},
		{run: "spaces:transfer --space acme-live --team acme-data", says: []string{"Transferring space acme-live to " +
			"team acme-data... done"}},
		{run: "spaces:info acme-live", says: []string{"Team: +acme-data"}},
		{run: "apps:info -a orders-web", says: []string{"Owner: +acme-data@", "Space: +acme-live"}},

		{run: "spaces:destroy --space acme-live --confirm acme-live", exit: 2,
			says: []string{"Space acme-live contains apps and cannot be deleted."}},
		{run: "apps:destroy -a orders-web --confirm orders-web", says: []string{"Destroying orders-web .*done"}},
		{run: "apps:destroy -a orders-vault --confirm orders-vault", says: []string{"Destroying orders-vault .*done"}},
		{run: "spaces:destroy --space acme-live --confirm acme-live", says: []string{"Destroying space acme-live... done"}},
		{run: "spaces:destroy --space acme-shield --confirm acme-shield", says: []string{"Destroying space acme-shield... done"}},
	})
	if l := s.Ledger(); l.Created != 6 || l.Orphans != 0 {
		t.Errorf("the ledger has %d spaces and stores created and %d orphans, want 6 and 0", l.Created, l.Orphans)
	}
}

// The store of an app is forked while the app is in maintenance mode and scaled down, as Heroku's documentation recommends.
func TestHerokuCLI_scalesForksAndReadsTheLog(t *testing.T) {
	t.Parallel()
	s, cli := newHerokuCLI(t, func(o *sandbox.Options) { o.Provisioning = time.Hour })
	url := func() string {
		t.Helper()
		output, exit := cli.run(t, "redis:credentials orders-cache -a orders-web")
		if exit != 0 {
			t.Fatalf("redis:credentials: exit code %d", exit)
		}
		return strings.TrimSpace(output)
	}
	open := func() *redis.Client {
		t.Helper()
		options, err := redis.ParseURL(url())
		if err != nil {
			t.Fatal("redis:credentials printed no URL")
		}
		options.TLSConfig.InsecureSkipVerify = true
		client := redis.NewClient(options)
		t.Cleanup(func() { _ = client.Close() })
		return client
	}
	cli.follow(t, []step{
		{run: "apps:create orders-web"},
		{run: "apps:info -a orders-web", says: []string{"Dynos: +web: 1, worker: 1|Dynos: +worker: 1, web: 1", "Slug Size: +24"}},
		{run: "ps:scale -a orders-web", says: []string{"web=1:Standard-1X", "worker=1:Standard-1X"}},
		{run: "ps:scale worker=0 -a orders-web", says: []string{"Scaling dynos... done, now running worker at 0:Standard-1X"}},
		{run: "ps:scale web+1 worker=2:standard-2x -a orders-web", says: []string{"web at 2:Standard-1X", "worker at 2:Standard-2X"}},
		{run: "ps:scale web=11 -a orders-web", exit: 2, says: []string{"Cannot update to more than 10 Standard-1X " +
			"size dynos per process type."}},
		{run: "ps:scale clock=1 -a orders-web", exit: 2, says: []string{`Couldn't find that process type \(clock\)`}},
		{run: "ps:scale web=1:basic -a orders-web", exit: 2, says: []string{"Cannot use the following dyno types in the same app"}},
		{run: "addons:create heroku-redis:premium-0 -a orders-web --name orders-cache", says: []string{"orders-cache is being created"}},
	})
	s.Clock().Advance(time.Hour)
	client := open()
	if err := client.Set(t.Context(), "order:1", "shipped", 0).Err(); err != nil {
		t.Fatal(err)
	}
	cli.follow(t, []step{
		{run: "redis:timeout --seconds 60 orders-cache -a orders-web", says: []string{"set to 60 seconds"}},
		{run: "maintenance -a orders-web", says: []string{"off"}},
		{run: "maintenance:on -a orders-web", says: []string{"Enabling maintenance mode for .*done"}},
		{run: "maintenance -a orders-web", says: []string{"on"}},
		{run: "addons:create heroku-redis:premium-1 -a orders-web --name orders-fork -- --fork " + url(), says: []string{`\$30/month`,
			"orders-fork is being created"}},
		{run: "addons:create heroku-redis:premium-1 -a orders-web --name orders-nothing -- --fork=redis://127.0.0.1:1",
			says: []string{"orders-nothing is being created"}},
		{run: "redis:info orders-fork -a orders-web", says: []string{`Status: +Preparing \(fork in progress\)`, "Plan: +Premium 1"}},
	})
	if err := client.Set(t.Context(), "order:2", "paid", 0).Err(); err != nil {
		t.Fatal(err)
	}
	s.Clock().Advance(time.Hour)
	cli.follow(t, []step{
		{run: "redis:wait orders-fork --wait-interval 1 -a orders-web"},
		{run: "redis:info orders-fork -a orders-web", says: []string{"Status: +Available", "Timeout: +300"}}, // no settings are copied
		{run: "addons:info orders-nothing", says: []string{"State: +errored"}},
		{run: "redis:promote orders-fork -a orders-web", says: []string{"Promoting orders-fork to REDIS_URL"}},
		{run: "maintenance:off -a orders-web", says: []string{"Disabling maintenance mode for .*done"}},
		{run: "logs -a orders-web", says: []string{
			`app\[heroku-redis\]: source=REDIS addon=orders-fork sample#active-connections=\d+ .*sample#memory-redis=\d+bytes sample#hit-rate=1 sample#evicted-keys=0`, "addon=orders-cache",
		}},
		{run: "logs -p heroku-redis -n 1 -a orders-web", says: []string{`^\S+ app\[heroku-redis\]: source=\S+ addon=\S+ [^\n]*\n$`}},
		{run: "redis:stats-reset orders-cache -a orders-web --confirm orders-web", says: []string{"Stats reset successful"}},
		{run: "redis:credentials orders-cache --reset -a orders-web", says: []string{"(?i)resetting|reset"}},
	})
	if client := open(); client.Ping(t.Context()).Err() != nil {
		t.Error("the new password does not open the store")
	}
	before := url()
	if err := s.FailOver("orders-cache"); err != nil {
		t.Fatal(err)
	}
	if url() == before {
		t.Error("after the failover the URL is the same")
	}
	for _, key := range []string{"order:1", "order:2"} {
		for _, store := range []string{"orders-cache", "orders-fork"} {
			output, _ := cli.run(t, "redis:credentials "+store+" -a orders-web")
			options, err := redis.ParseURL(strings.TrimSpace(output))
			if err != nil {
				t.Fatal("redis:credentials printed no URL")
			}
			options.TLSConfig.InsecureSkipVerify = true
			if n, err := redis.NewClient(options).Exists(t.Context(), key).Result(); n != 1 {
				t.Errorf("%s has no %s: %v", store, key, err)
			}
		}
	}
	cli.follow(t, []step{{run: "apps:destroy -a orders-web --confirm orders-web"}})
	if l := s.Ledger(); l.Created != 3 || l.Orphans != 0 {
		t.Errorf("the ledger has %d stores created and %d orphans, want 3 and 0", l.Created, l.Orphans)
	}
}
