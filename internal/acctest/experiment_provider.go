// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package acctest

import (
	"cmp"
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/provider"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// In an experiment the provider is a process of its own, so that it can be killed: the test's own program, started
// again by the CLI. Its waits move the sandbox's clock, as those of a provider within the test do.

const (
	clockVariable     = "KVS_EXPERIMENT_CLOCK"      // address of the clock; a process that has it is the provider
	patienceVariable  = "KVS_EXPERIMENT_PATIENCE"   // how long an attempt of the client may take, in real time
	killVariable      = "KVS_EXPERIMENT_KILL"       // after which answer the provider dies: its number, or method and path
	killGroupVariable = "KVS_EXPERIMENT_KILL_GROUP" // and the CLI with it
	skewVariable      = "KVS_EXPERIMENT_SKEW"       // by how much the provider's clock is ahead of Heroku's
	panicVariable     = "KVS_EXPERIMENT_PANIC"      // a method and path whose answer makes it panic instead
)

// ExperimentMain is Main for packages with experiments: started by a CLI, it is the provider.
func ExperimentMain(m *testing.M) {
	if clock := os.Getenv(clockVariable); clock != "" {
		serveExperiment(clock)
		return
	}
	prepareEnvironment()
	code := m.Run()
	removeBuiltProvider()
	if buildDir != "" {
		_ = os.RemoveAll(buildDir)
	}
	os.Exit(code)
}

func serveExperiment(clock string) {
	edit := func(o *heroku.Options) {
		ahead, _ := time.ParseDuration(os.Getenv(skewVariable)) // zero is right
		o.Clock = skewed{remoteClock(clock), ahead}
		o.AttemptTimeout, _ = time.ParseDuration(os.Getenv(patienceVariable)) // zero is the default
		if when := cmp.Or(os.Getenv(killVariable), os.Getenv(panicVariable)); when != "" {
			o.Transport = newMortal(when)
		}
	}
	if err := provider.Serve("test", false, provider.WithClient(edit)); err != nil {
		log.Fatal(err)
	}
}

// experimentProgram is what the CLI starts as the provider: this very program. A race detector in it would take half of
// the time of an experiment, so the short form, whose provider other tests run under it, builds this one without.
var experimentProgram = sync.OnceValues(func() (string, error) {
	program, err := os.Executable()
	if err != nil || !raceDetected() || LongExperiments() {
		return program, err
	}
	dir, err := os.MkdirTemp("", "kvs-experiment-")
	if err != nil {
		return "", err
	}
	buildDir = dir
	program = filepath.Join(dir, "provider")
	if output, err := exec.Command("go", "test", "-c", "-o", program, ".").CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, output)
	}
	return program, nil
})

var buildDir string

// raceDetected reports whether this program was built with the race detector.
func raceDetected() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

// mortal is a transport whose process dies when a certain answer has arrived, before the client sees it.
type mortal struct {
	number  int64
	request *regexp.Regexp
	answers atomic.Int64
}

func newMortal(when string) *mortal {
	if n, err := strconv.ParseInt(when, 10, 64); err == nil {
		return &mortal{number: n}
	}
	return &mortal{request: regexp.MustCompile("^" + when + "$")}
}

func (m *mortal) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := http.DefaultTransport.RoundTrip(r)
	n := m.answers.Add(1)
	if n == m.number || m.request != nil && m.request.MatchString(r.Method+" "+r.URL.Path) {
		if os.Getenv(panicVariable) != "" {
			panic("an experiment")
		}
		victim := os.Getpid()
		if os.Getenv(killGroupVariable) != "" {
			victim = 0 // the process group: the CLI too, as when the machine is lost
		}
		_ = syscall.Kill(victim, syscall.SIGKILL)
		select {}
	}
	return response, err
}

// remoteClock is the sandbox's clock as a provider in another process sees it.
type remoteClock string

func (c remoteClock) Now() time.Time {
	now, err := c.ask(context.Background(), "/now", 0)
	if err != nil {
		panic("the experiment's clock is out of reach: " + err.Error())
	}
	return now
}

func (c remoteClock) Sleep(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil || d <= 0 {
		return err
	}
	_, err := c.ask(ctx, "/sleep", d)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// skewed is the clock of a machine on which it is wrong.
type skewed struct {
	heroku.Clock
	ahead time.Duration
}

func (c skewed) Now() time.Time { return c.Clock.Now().Add(c.ahead) }

// clockClient is not the default one, whose transport experiments may replace.
var clockClient = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 50}}

func (c remoteClock) ask(ctx context.Context, path string, d time.Duration) (time.Time, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, string(c)+path+"?"+url.Values{"for": {d.String()}}.Encode(), nil)
	if err != nil {
		return time.Time{}, err
	}
	response, err := clockClient.Do(request)
	if err != nil {
		return time.Time{}, err
	}
	defer response.Body.Close()
	return time.Parse(time.RFC3339Nano, response.Header.Get("Now"))
}

// clockServer is the other end of remoteClock. While time is held, sleepers stay asleep.
type clockServer struct {
	*httptest.Server
	clock *sandbox.Clock

	mu   sync.Mutex
	held chan struct{} // closed when time may pass
}

func newClockServer(t *testing.T, clock *sandbox.Clock) *clockServer {
	c := &clockServer{clock: clock, held: make(chan struct{})}
	close(c.held)
	mux := http.NewServeMux()
	mux.HandleFunc("/now", func(w http.ResponseWriter, _ *http.Request) { c.answer(w) })
	mux.HandleFunc("/sleep", func(w http.ResponseWriter, r *http.Request) {
		d, err := time.ParseDuration(r.URL.Query().Get("for"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		until := c.clock.Now().Add(d)
		select {
		case <-c.passing():
			c.clock.AdvanceTo(until)
			c.answer(w)
		case <-r.Context().Done():
		}
	})
	c.Server = httptest.NewServer(mux)
	t.Cleanup(func() {
		c.release()
		c.CloseClientConnections()
		c.Close()
	})
	return c
}

func (c *clockServer) answer(w http.ResponseWriter) {
	w.Header().Set("Now", c.clock.Now().Format(time.RFC3339Nano))
}

func (c *clockServer) passing() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.held
}

func (c *clockServer) hold() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.held = make(chan struct{})
}

func (c *clockServer) release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.held:
	default:
		close(c.held)
	}
}

// experimentCLI is a CLI whose provider is this very program.
func (s *Sandbox) experimentCLI(t *testing.T, clock *clockServer, config string) *CLI {
	t.Helper()
	if os.Getenv("TF_ACC") == "" {
		t.Skip("acceptance tests run when TF_ACC is set, as `make test` does")
	}
	program, err := experimentProgram()
	if err != nil {
		t.Fatalf("building the provider: %v", err)
	}
	c := &CLI{t: t, sandbox: s, dir: t.TempDir()}
	if err := os.Symlink(program, filepath.Join(c.dir, "terraform-provider-kvs")); err != nil {
		t.Fatal(err)
	}
	c.write("terraformrc", fmt.Sprintf("provider_installation {\n  dev_overrides {\n    \"terraform-kvs/kvs\" = %q\n  }\n  direct {}\n}\n", c.dir))
	c.write("source.tf", "terraform {\n  required_providers {\n    kvs = {\n      source = \"terraform-kvs/kvs\"\n    }\n  }\n}\n")
	c.Configure(config)
	c.Env = []string{
		clockVariable + "=" + clock.URL,
		"GORACE=atexit_sleep_ms=0", // each run starts a handful of providers, and a second for each would be most of the time
	}
	return c
}
