// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

// Package acctest has what acceptance tests share: it starts a sandbox for a test, runs the provider against it, and gives access
// to the sandbox's journal, ledger and stores. One test has one sandbox.
//
// The sandbox's clock stands still except for the waits of the provider, each of which advances it. So half an hour of
// provisioning takes milliseconds, and waits that overlap in time do so in a test as well.
package acctest

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/redis/go-redis/v9"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// Sandbox is a local Heroku that belongs to one test.
type Sandbox struct {
	*sandbox.Sandbox
}

// epoch is the time at which every sandbox starts, a Wednesday.
var epoch = time.Date(2026, time.January, 14, 9, 0, 0, 0, time.UTC)

// User agents in the sandbox's journal.
const (
	ProviderAgent    = "terraform-provider-kvs"
	SomeoneElseAgent = "someone-else"
)

// Main runs a package's tests with the environment that acceptance tests need, instead of the developer's own.
func Main(m *testing.M) {
	prepareEnvironment()
	code := m.Run()
	removeBuiltProvider()
	os.Exit(code)
}

func prepareEnvironment() {
	// The examples name the source terraform-kvs/kvs; without this the CLI would look for it in a registry.
	_ = os.Setenv("TF_ACC_PROVIDER_NAMESPACE", "terraform-kvs")
	for _, name := range []string{"HEROKU_API_KEY", "HEROKU_API_URL", "HEROKU_DATA_API_URL", "KVS_CHANGE_REFERENCE", "TF_CLI_CONFIG_FILE",
		"TF_LOG"} {
		_ = os.Unsetenv(name)
	}
	_ = os.Setenv("CHECKPOINT_DISABLE", "1")
	cli, err := findCLI()
	if err != nil {
		return // each test that needs a CLI fails, and says what is missing
	}
	_ = os.Setenv("TF_ACC_TERRAFORM_PATH", cli)
	if OnOpenTofu() {
		_ = os.Setenv("TF_ACC_PROVIDER_HOST", "registry.opentofu.org")
	}
}

// Start starts a sandbox and stops it at the end of the test. Its stores are real servers. If TF_ACC is set and no server is
// installed, the test fails, because a skipped test looks like a passed one.
func Start(t *testing.T, edit ...func(*sandbox.Options)) *Sandbox {
	t.Helper()
	watch(t)
	options := sandbox.Options{Clock: sandbox.NewClock(epoch), Provisioning: 3 * time.Minute, Allocation: 8 * time.Minute, Engine: "auto",
		Seed: 1}
	for _, change := range edit {
		change(&options)
	}
	if options.Engine == "auto" && os.Getenv("TF_ACC") != "" && !haveServer() {
		t.Fatal("acceptance tests need redis-server or valkey-server on PATH; `make test` installs one")
	}
	sb, err := sandbox.Start(context.WithoutCancel(t.Context()), options)
	if err != nil {
		t.Fatalf("starting the sandbox: %v", err)
	}
	t.Cleanup(func() {
		if err := sb.Close(); err != nil {
			t.Errorf("stopping the sandbox: %v", err)
		}
	})
	return &Sandbox{Sandbox: sb}
}

func haveServer() bool {
	for _, name := range []string{"valkey-server", "redis-server"} {
		if _, err := exec.LookPath(name); err == nil {
			return true
		}
	}
	return false
}

// Factories returns the provider for a test case, in the process of the test and connected to the sandbox.
func (s *Sandbox) Factories() map[string]func() (tfprotov6.ProviderServer, error) {
	return s.FactoriesAs(s.Token())
}

// FactoriesAs is Factories with another user's token.
func (s *Sandbox) FactoriesAs(token string) map[string]func() (tfprotov6.ProviderServer, error) {
	connect := func(o *heroku.Options) {
		s.Connect(o)
		o.Credential.Token = token
	}
	return map[string]func() (tfprotov6.ProviderServer, error){"kvs": connected(connect)}
}

// Connect makes a client use the sandbox: its URL, token and clock.
func (s *Sandbox) Connect(o *heroku.Options) {
	o.APIURL, o.DataAPIURL = s.URL(), s.URL()
	o.Credential = heroku.Credential{Token: s.Token(), Source: "the test"}
	o.Clock = sleepAdvancesClock{s.Clock()}
}

// Client returns a client of somebody else, who uses the API beside Terraform.
func (s *Sandbox) Client(t *testing.T) *heroku.Client {
	t.Helper()
	options := heroku.Options{UserAgent: SomeoneElseAgent}
	s.Connect(&options)
	client, err := heroku.New(options)
	if err != nil {
		t.Fatalf("connecting to the sandbox: %v", err)
	}
	return client
}

// sleepAdvancesClock is the sandbox's clock for the provider: a sleep advances it to the end of the sleep. Two sleeps of the same
// length that start at the same time therefore end at the same time, as with a real clock.
type sleepAdvancesClock struct{ *sandbox.Clock }

func (c sleepAdvancesClock) Sleep(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c.AdvanceTo(c.Now().Add(d))
	runtime.Gosched()
	return nil
}

// Requests returns the provider's requests, in order, whose method and path match these regular expressions completely.
func (s *Sandbox) Requests(method, path string) []sandbox.Request {
	pattern := regexp.MustCompile("^" + method + " " + path + "$")
	var found []sandbox.Request
	for _, request := range s.Journal() {
		if strings.HasPrefix(request.UserAgent, ProviderAgent) && pattern.MatchString(request.Method+" "+request.Path) {
			found = append(found, request)
		}
	}
	return found
}

// Commands returns the provider's requests, grouped by the configured provider that made them: each group begins with the check of
// the token.
func (s *Sandbox) Commands() [][]sandbox.Request {
	var commands [][]sandbox.Request
	for _, request := range s.Requests("[A-Z]+", ".*") {
		if request.Path == "/account/rate-limits" {
			commands = append(commands, nil)
		}
		if last := len(commands) - 1; last >= 0 {
			commands[last] = append(commands[last], request)
		}
	}
	return commands
}

// Await blocks until a matching request of the provider has been answered. It fails the test after awaitTimeout. The effect of a
// request is certain only after its answer: if a test advances the clock earlier, an order may be provisioned later than meant.
func (s *Sandbox) Await(t *testing.T, method, path string) {
	t.Helper()
	answered := func(r sandbox.Request) bool { return r.Status != 0 }
	Await(t, "answer to "+method+" "+path, func() bool { return slices.ContainsFunc(s.Requests(method, path), answered) })
}

// awaitTimeout is long enough for every wait of a test, even on a slow machine.
const awaitTimeout = 10 * time.Minute

// Await polls until seen returns true, in real time. It fails the test after awaitTimeout.
func Await(t *testing.T, what string, seen func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), awaitTimeout)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !seen() {
		select {
		case <-ctx.Done():
			t.Fatalf("no %s within %v", what, awaitTimeout)
		case <-tick.C:
		}
	}
}

// Living returns the billable objects that have not been destroyed, in the order of their creation.
func (s *Sandbox) Living() []sandbox.LedgerEntry {
	return slices.DeleteFunc(s.Ledger().Objects, func(object sandbox.LedgerEntry) bool { return object.DestroyedAt != nil })
}

// NothingLeft fails if a billable object is left after the test's configuration was destroyed.
func (s *Sandbox) NothingLeft() resource.TestCheckFunc {
	return func(*terraform.State) error {
		for _, object := range s.Living() {
			return fmt.Errorf("%s %s (%s) is left over and billed", object.Kind, object.Name, object.ID)
		}
		return nil
	}
}

// Redis connects to the server of a store, with the store's URL.
func (s *Sandbox) Redis(t *testing.T, store string) *redis.Client {
	t.Helper()
	return s.redis(t, store, nil)
}

// RedisFrom connects as a dyno of the app does. A private store cannot be reached in another way.
func (s *Sandbox) RedisFrom(t *testing.T, app, store string) *redis.Client {
	t.Helper()
	return s.redis(t, store, s.DynoDial(app))
}

func (s *Sandbox) redis(t *testing.T, store string, dial func(ctx context.Context, network, addr string) (net.Conn, error)) *redis.Client {
	t.Helper()
	client := s.Client(t)
	addOn, err := client.FindAddOn(t.Context(), store)
	if err != nil {
		t.Fatalf("finding the store %s: %v", store, err)
	}
	info, err := client.Store(t.Context(), addOn.ID)
	if err != nil {
		t.Fatalf("asking for the store %s: %v", store, err)
	}
	options, err := redis.ParseURL(info.ResourceURL.Reveal())
	if err != nil {
		t.Fatal("the store's URL cannot be parsed")
	}
	options.TLSConfig.InsecureSkipVerify = true // Heroku's certificates are self-signed, and so are the sandbox's
	options.Protocol = 2
	if dial != nil {
		secured := options.TLSConfig
		options.TLSConfig = nil
		options.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := dial(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			return tls.Client(conn, secured), nil
		}
	}
	connection := redis.NewClient(options)
	t.Cleanup(func() { _ = connection.Close() })
	return connection
}

// Says returns an expression that matches the text in a diagnostic, wherever the CLI wraps its lines.
func Says(text string) *regexp.Regexp {
	words := strings.Fields(text)
	for i, word := range words {
		words[i] = regexp.QuoteMeta(word)
	}
	return regexp.MustCompile(strings.Join(words, `[\s│]+`))
}

// LongForm reports whether KVS_SOAK asks for the long form of the tests, which leaves no case out.
func LongForm() bool { return os.Getenv("KVS_SOAK") != "" }
