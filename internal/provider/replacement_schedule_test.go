// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// Two applies of one replacement at the same time, in every order of their requests with few switches between the two. A
// scheduler lets one request of one run through at a time, so that a schedule always runs the same way and nothing sleeps.
// KVS_SOAK=1 explores all schedules with one or two switches and a sample of those with three; otherwise a sample runs.

// attemptLimit is how long the client waits for one answer (heroku.Options, AttemptTimeout). The clock of a schedule runs
// ahead whenever a run sleeps, so that a request held back for longer has been given up before it is sent.
const attemptLimit = 30 * time.Second

// contender is one of the runs.
type contender struct {
	*managed
	heroku  http.Handler
	arrived chan *held
	ended   chan struct{}
	waiting []*held
	over    bool
	free    atomic.Bool // nothing is held back
	sent    int
}

// held is a request that waits for its turn.
type held struct {
	what  string // method, path and body
	since time.Time
	pass  chan struct{}
	done  chan struct{}
}

func (c *contender) RoundTrip(r *http.Request) (*http.Response, error) {
	if c.free.Load() {
		return c.ask(r), nil
	}
	body, err := readAgain(r)
	if err != nil {
		return nil, err
	}
	h := &held{what: r.Method + " " + r.URL.Path + " " + body, since: c.sb.Clock().Now(), pass: make(chan struct{}),
		done: make(chan struct{})}
	defer close(h.done)
	c.arrived <- h
	<-h.pass
	if c.sb.Clock().Now().Sub(h.since) > attemptLimit {
		return nil, context.DeadlineExceeded
	}
	return c.ask(r), nil
}

// ask carries out a request without a network: there are many schedules.
func (c *contender) ask(r *http.Request) *http.Response {
	arriving := r.Clone(r.Context())
	arriving.RequestURI = r.URL.RequestURI()
	if arriving.Body == nil {
		arriving.Body = http.NoBody
	}
	answer := httptest.NewRecorder()
	c.heroku.ServeHTTP(answer, arriving)
	return answer.Result()
}

// readAgain reads a body that is still to be sent.
func readAgain(r *http.Request) (string, error) {
	if r.GetBody == nil {
		return "", nil
	}
	again, err := r.GetBody()
	if err != nil {
		return "", err
	}
	body, err := io.ReadAll(again)
	return string(body), err
}

// park returns when the run has a request that waits, or has ended.
func (c *contender) park() {
	for len(c.waiting) == 0 && !c.over {
		select {
		case h := <-c.arrived:
			c.waiting = append(c.waiting, h)
		case <-c.ended:
			c.over = true
		}
	}
}

// advance lets so many requests through; all, if it is negative.
func (c *contender) advance(requests int) {
	for c.park(); !c.over && requests != 0; requests-- {
		next := c.waiting[0]
		c.waiting = c.waiting[1:]
		c.sent++
		close(next.pass)
		<-next.done
		c.park()
	}
}

// until lets requests through until one waits that matches, or the run is over.
func (c *contender) until(next *regexp.Regexp) {
	for c.park(); !c.over && !next.MatchString(c.waiting[0].what); {
		c.advance(1)
	}
}

// turns are numbers of requests: of the first run, then of the second one, and so on. In the end both run on.
type turns []int

// contest is one schedule.
type contest struct {
	carrying
	runs [2]*contender
	keys map[string]string
}

func newContest(t *testing.T, terms values, seed ...uint64) *contest {
	t.Helper()
	f := newFront(t, "", func(o *sandbox.Options) {
		o.CopyForks, o.Provisioning = true, time.Minute
		for _, other := range seed {
			o.Seed = other
		}
	})
	c := &contest{carrying: carrying{front: f, web: f.resource("kvs_app"), api: f.resource("kvs_app"),
		store: f.resource("kvs_instance")}, keys: map[string]string{"order:1": "one", "order:2": "two"}}
	c.web.apply(values{"name": "orders-web"})
	c.api.apply(values{"name": "orders-api"})
	c.of = values{"name": "orders-cache", "plan": "premium-0", "attachment_name": "REDIS", "deletion_protection": false,
		"app_id": c.web.get("id"), "migration": terms}
	c.store.apply(c.of)
	f.resource("kvs_attachment").apply(values{"app_id": c.api.get("id"), "instance_id": c.store.get("id"), "name": "SHARED"})
	if c.over() {
		t.Fatalf("before the story: %v", c.said)
	}
	redis := c.sb.Redis(t, "orders-cache")
	for key, value := range c.keys {
		redis.Set(t.Context(), key, value, 0)
	}
	_ = redis.Close()
	c.of["app_id"] = c.api.get("id")
	for i := range c.runs {
		c.runs[i] = c.contender()
	}
	return c
}

// contender starts a run up to its first request.
func (c *contest) contender() *contender {
	run := &contender{heroku: c.sb, arrived: make(chan *held), ended: make(chan struct{})}
	run.free.Store(true)
	f := &front{T: c.T, sb: c.sb, refuser: &refuser{}, through: run}
	f.command()
	store := *c.store
	store.front = f
	run.managed = &store
	config := store.value(f.schemas.ResourceSchemas[store.name], c.of)
	plan, err := f.server.PlanResourceChange(c.Context(), &tfprotov6.PlanResourceChangeRequest{
		TypeName: store.name, PriorState: store.state, ProposedNewState: store.proposed(c.of, store.state),
		Config: config, PriorPrivate: store.private, PriorIdentity: store.identity,
	})
	f.heard(err, plan.Diagnostics)
	if f.over() {
		c.Fatalf("before the story: %s", spoken(f.said))
	}
	f.said = nil
	run.free.Store(false)
	go func() {
		defer close(run.ended)
		done, err := f.server.ApplyResourceChange(c.Context(), &tfprotov6.ApplyResourceChangeRequest{
			TypeName: store.name, PriorState: store.state, PlannedState: plan.PlannedState, Config: config,
			PlannedPrivate: plan.PlannedPrivate, PlannedIdentity: plan.PlannedIdentity,
		})
		if err != nil {
			f.said = append(f.said, &tfprotov6.Diagnostic{Severity: asError, Summary: err.Error()})
			return
		}
		f.said = append(f.said, done.Diagnostics...)
		store.state, store.private, store.identity = done.NewState, done.Private, done.NewIdentity
	}()
	return run
}

func (c *contest) play(schedule turns) {
	for i, requests := range schedule {
		c.runs[i%2].advance(requests)
	}
	for i := range c.runs {
		c.runs[(len(schedule)+i)%2].advance(-1)
	}
	for _, run := range c.runs {
		run.free.Store(true)
	}
}

// judge returns what is wrong at the end of a schedule.
func (c *contest) judge() (wrong []string) {
	client := c.sb.Client(c.T)
	living := map[string]bool{}
	for _, object := range c.sb.Living() {
		living[object.ID] = true
	}
	whole := map[heroku.AddOnID]bool{}
	for app, name := range bothApps {
		at, err := client.AppAttachment(c.Context(), app, name)
		if err != nil {
			wrong = append(wrong, fmt.Sprintf("%s has lost %s: %v", app, name, err))
			continue
		}
		if !living[string(at.AddOnID)] {
			wrong = append(wrong, fmt.Sprintf("%s of %s leads to the store %s, which is destroyed", name, app, at.AddOnID))
			continue
		}
		redis := c.sb.Redis(c.T, string(at.AddOnID))
		for key, value := range c.keys {
			if got := redis.Get(c.Context(), key).Val(); got != value {
				wrong = append(wrong, fmt.Sprintf("%s is %q in the store %s that %s of %s leads to", key, got, at.AddOnID, name, app))
			}
		}
		_ = redis.Close()
		whole[at.AddOnID] = true
	}
	for i, run := range c.runs {
		if id := run.get("id"); !run.front.over() && !whole[heroku.AddOnID(id)] {
			wrong = append(wrong, fmt.Sprintf("run %d says success, and its store %s is not what the apps have", i+1, id))
		}
	}
	return wrong
}

// settle applies once more, as people do after an error, and wants one store and no app that is held.
func (c *contest) settle(stores int) (wrong []string) {
	last := c.runs[0]
	if last.front.over() {
		last = c.runs[1]
	}
	for _, run := range c.runs {
		run.said = nil
		run.refresh()
	}
	last.apply(c.of)
	if last.front.over() {
		return []string{"the apply after both says " + spoken(last.said)}
	}
	for i, run := range c.runs {
		if run.refresh(); run.get("id") != last.get("id") {
			wrong = append(wrong, fmt.Sprintf("the state of run %d has the store %s afterwards, want %s", i+1,
				run.get("id"), last.get("id")))
		}
	}
	if living := slices.DeleteFunc(c.sb.Living(), func(e sandbox.LedgerEntry) bool { return e.Kind != "add-on" }); len(living) != stores {
		wrong = append(wrong, fmt.Sprintf("%d stores live in the end, want %d: %+v", len(living), stores, living))
	}
	client := c.sb.Client(c.T)
	for name := range bothApps {
		app, err := client.FindApp(c.Context(), name)
		if err != nil || app.Maintenance {
			wrong = append(wrong, fmt.Sprintf("%s is held in the end (%v)", name, err))
		}
		variables, err := client.ConfigVarNames(c.Context(), app.ID)
		if left := slices.DeleteFunc(variables, func(v string) bool { return !leftOver(v) }); err != nil || len(left) > 0 {
			wrong = append(wrong, fmt.Sprintf("%s has %s in the end (%v)", name, left, err))
		}
	}
	return append(wrong, c.judge()...)
}

func spoken(said []*tfprotov6.Diagnostic) string {
	var texts []string
	for _, d := range said {
		texts = append(texts, d.Summary+": "+d.Detail)
	}
	return strings.Join(texts, "\n")
}

// schedules are those with up to three switches between runs of so many requests. every keeps a part of them.
func schedules(requests, every int) (all []turns) {
	for a := range requests + 1 {
		all = append(all, turns{a, -1})
		for b := 1; b <= requests; b++ {
			all = append(all, turns{a, b})
		}
	}
	step := max(1, requests/11)
	for a := 1; a <= requests; a += step {
		for b := 2; b <= requests; b += step {
			for again := 1; again <= requests; again += step {
				all = append(all, turns{a, b, again})
			}
		}
	}
	kept := all[:0]
	for i, schedule := range all {
		if i%every == 0 {
			kept = append(kept, schedule)
		}
	}
	return kept
}

var (
	moving     = regexp.MustCompile(`^POST /addon-attachments .*"confirm"`)
	destroying = regexp.MustCompile(`^DELETE /apps/[^/]+/addons/`)
)

// Each look before something is destroyed is over when it is destroyed: what another run does in between, only the lease
// keeps apart. The second run finds a copy that is complete, and gives it up, since apps may have written to the old store
// since; the first one lets apps use that copy meanwhile.
func TestReplacement_leaseKeepsRunsApart(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6) { // which of two attachments goes first is the ids' to say
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			c := newContest(t, values{"verify": false, "retire": "always", "accept_unproven": true}, seed+1)
			c.runs[0].until(moving)
			c.runs[1].until(destroying)
			c.runs[0].advance(1)
			c.play(turns{0, -1})
			said := spoken(c.runs[0].said) + "\n" + spoken(c.runs[1].said)
			wrong := c.judge()
			if len(wrong) == 0 {
				wrong = c.settle(1)
			}
			if len(wrong) > 0 {
				t.Errorf("%s\n\nthey said:\n%s", strings.Join(wrong, "\n"), said)
			}
		})
	}
}

func TestReplacement_schedules(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		terms  values
		stores int
		every  int
	}{
		"at once":        {values{"verify": false, "retire": "always", "accept_unproven": true}, 1, 401},
		"with apps held": {values{"verify": false, "retire": "always", "accept_unproven": true, "app_maintenance": true}, 1, 607},
		"with both kept": {values{"verify": false, "retire": "never", "accept_unproven": true}, 2, 503},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			alone := newContest(t, test.terms)
			alone.play(turns{-1, -1})
			if alone.runs[0].front.over() {
				t.Fatalf("the first run, undisturbed: %v", alone.runs[0].said)
			}
			requests := alone.runs[0].sent
			every := test.every
			if os.Getenv("KVS_SOAK") != "" {
				every = 1
			}
			all := schedules(requests, every)
			lost := 0
			for _, schedule := range all {
				t.Run(strings.Trim(fmt.Sprint(schedule), "[]"), func(t *testing.T) {
					c := newContest(t, test.terms)
					c.play(schedule)
					wrong := c.judge()
					said := spoken(c.runs[0].said) + "\n" + spoken(c.runs[1].said)
					if len(wrong) == 0 {
						wrong = c.settle(test.stores)
					}
					if len(wrong) > 0 {
						lost++
						t.Errorf("%s\n\nthey said:\n%s", strings.Join(wrong, "\n"), said)
					}
				})
			}
			t.Logf("%d schedules of two runs of %d requests each, %d of them with a loss", len(all), requests, lost)
		})
	}
}
