// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"runtime"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6/tf6server"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/provider"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// lab runs a real CLI against a provider within the test, to which something happens at a certain request: the CLI is
// told where the provider listens, so that a crash of it is the loss of that connection, and no process has to start.
type lab struct {
	*testing.T
	*acctest.Sandbox
	cli    *acctest.CLI
	client *heroku.Client
}

func newLab(t *testing.T, config string, edit ...func(*sandbox.Options)) *lab {
	t.Helper()
	sb := acctest.Start(t, edit...)
	return &lab{T: t, Sandbox: sb, cli: sb.CLI(t, config), client: sb.Client(t)}
}

// mishap is what happens at the n-th request that changes something at Heroku. The zero value is that nothing does.
type mishap struct {
	kind  string
	write int            // from 1
	of    *regexp.Regexp // only those whose method and path match are counted
	look  func()         // is called before and after each request instead, if kind is lookedAt
}

// Steps of a replacement that stories are interrupted at.
var (
	deletion    = regexp.MustCompile(`^DELETE /apps/[^/]+/addons/`)
	forkOrdered = regexp.MustCompile(`^POST /apps/[^/]+/addons$`)
	attaching   = regexp.MustCompile(`^POST /addon-attachments$`) // the mark is the first, then the lease, then those that move
)

const (
	interrupted = "interrupted" // SIGINT to the CLI, when the request has been answered
	crashed     = "crashed"     // the provider is gone, when the request was carried out and before it sees the answer
	outage      = "outage"      // Heroku answers nothing any more, from the next request on
	answerLost  = "answer lost" // the connection is reset when the request was carried out
	lookedAt    = "looked at"   // nothing, but the test looks on
)

var mishaps = []string{interrupted, crashed, outage, answerLost}

// run runs the CLI to its end.
func (l *lab) run(happens mishap, args ...string) acctest.Result {
	l.Helper()
	p := &mishappening{lab: l, mishap: happens, process: make(chan *acctest.Process, 1), crash: func() {}}
	ctx, stop := context.WithCancel(l.Context())
	defer stop()
	p.crash = stop
	environment := l.cli.Env
	l.cli.Env = append(slices.Clone(environment), "TF_REATTACH_PROVIDERS="+p.serve(ctx))
	process := l.cli.Start(args...)
	l.cli.Env = environment
	p.process <- process
	result := process.Wait()
	if happens.write > 0 && p.written.Load() < int64(happens.write) {
		l.Errorf("the run sent %d requests, and something was to happen at number %d", p.written.Load(), happens.write)
	}
	return result
}

func (l *lab) apply(happens mishap, args ...string) acctest.Result {
	l.Helper()
	return l.run(happens, append([]string{"apply", "-auto-approve", "-input=false", "-no-color"}, args...)...)
}

// mustApply fails the test unless the apply succeeds.
func (l *lab) mustApply(config string, args ...string) acctest.Result {
	l.Helper()
	l.cli.Configure(config)
	result := l.apply(mishap{}, args...)
	if result.Code != 0 {
		l.Fatalf("apply exited %d:\n%s", result.Code, result.Output())
	}
	return result
}

// mustRefuse fails the test unless the run fails and says so.
func (l *lab) mustRefuse(says string, args ...string) acctest.Result {
	l.Helper()
	result := l.run(mishap{}, append(args, "-input=false", "-no-color")...)
	if result.Code != 1 || !acctest.Says(says).MatchString(result.Output()) {
		l.Errorf("%s exited %d, want 1 and %q:\n%s", args[0], result.Code, says, result.Output())
	}
	return result
}

func (l *lab) plan() acctest.Result {
	l.Helper()
	return l.run(mishap{}, "plan", "-detailed-exitcode", "-input=false", "-no-color")
}

func (l *lab) expectNoChanges() {
	l.Helper()
	if plan := l.plan(); plan.Code != 0 {
		l.Errorf("the plan exited %d, want 0 (no changes):\n%s", plan.Code, plan.Output())
	}
}

// writes are the provider's requests that change something, in order.
func (l *lab) writes() []sandbox.Request {
	return l.Requests("(POST|PATCH|PUT|DELETE)", ".*")
}

// mishappening is the provider of one run.
type mishappening struct {
	*lab
	mishap
	process chan *acctest.Process
	crash   func()

	written  atomic.Int64
	dead     atomic.Bool
	applying atomic.Pointer[context.Context] // of a resource that is being changed
}

// serve starts the provider and says where it is, as TF_REATTACH_PROVIDERS wants it.
func (p *mishappening) serve(ctx context.Context) string {
	p.Helper()
	const address = "terraform-kvs/kvs"
	where, gone := make(chan *plugin.ReattachConfig), make(chan struct{})
	protocol := providerserver.NewProtocol6(provider.New("test", provider.WithClient(p.connect))())
	go func() {
		err := tf6server.Serve("registry.terraform.io/"+address, func() tfprotov6.ProviderServer { return &watchedProvider{protocol(), p} },
			tf6server.WithDebug(ctx, where, gone), tf6server.WithGoPluginLogger(hclog.NewNullLogger()), tf6server.WithLoggingSink(p.T))
		if err != nil {
			p.Errorf("serving the provider: %v", err)
		}
	}()
	at := <-where
	text, err := json.Marshal(map[string]any{address: map[string]any{
		"Protocol": at.Protocol, "ProtocolVersion": at.ProtocolVersion, "Pid": at.Pid, "Test": at.Test,
		"Addr": map[string]string{"Network": at.Addr.Network(), "String": at.Addr.String()},
	}})
	if err != nil {
		p.Fatal(err)
	}
	return string(text)
}

func (p *mishappening) connect(o *heroku.Options) {
	o.APIURL, o.DataAPIURL, o.Transport = p.URL(), p.URL(), p
	o.Credential = heroku.Credential{Token: p.Token(), Source: "the test"}
	o.Clock = patientClock{p.Clock()}
}

// patientClock lets whoever sleeps move the sandbox's time.
type patientClock struct{ *sandbox.Clock }

func (c patientClock) Sleep(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c.AdvanceTo(c.Now().Add(d))
	runtime.Gosched()
	return nil
}

// watchedProvider remembers the context that an interrupt ends.
type watchedProvider struct {
	tfprotov6.ProviderServer
	p *mishappening
}

func (w *watchedProvider) ApplyResourceChange(ctx context.Context,
	req *tfprotov6.ApplyResourceChangeRequest) (*tfprotov6.ApplyResourceChangeResponse, error) {
	w.p.applying.Store(&ctx)
	return w.ProviderServer.ApplyResourceChange(ctx, req)
}

// RoundTrip lets the mishap happen.
func (p *mishappening) RoundTrip(r *http.Request) (*http.Response, error) {
	if p.dead.Load() {
		select {} // a process that is gone sends nothing, and writes nothing, also when the test is over
	}
	if p.kind == lookedAt {
		p.look()
		defer p.look()
	}
	counts := r.Method != http.MethodGet && (p.of == nil || p.of.MatchString(r.Method+" "+r.URL.Path))
	strikes := counts && p.written.Add(1) == int64(p.write)
	if strikes && p.kind == answerLost {
		p.Inject(sandbox.Fault{Match: sandbox.Match{Method: r.Method, Path: r.URL.Path, Agent: r.UserAgent(), Times: 1},
			Do: sandbox.Effect{Commit: true, Reset: true}})
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	if !strikes {
		return response, err
	}
	switch p.kind {
	case interrupted:
		process := <-p.process
		process.Signal(syscall.SIGINT)
		<-(*p.applying.Load()).Done()
	case outage:
		p.Inject(sandbox.Fault{Match: sandbox.Match{Agent: r.UserAgent()}, Do: sandbox.Effect{Status: http.StatusServiceUnavailable}})
	case crashed:
		p.dead.Store(true)
		p.crash()
		select {}
	}
	return response, err
}
