// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package faultmatrix

import (
	"archive/zip"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest/remote"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// workflowBudget is the maximum number of requests of a workflow with a dozen objects.
const workflowBudget = 1000

// Harness executes one experiment.
type Harness struct {
	Experiment
	*acctest.Sandbox
	T   *testing.T
	CLI *acctest.CLI

	clock            *clockServer
	trials           []*Trial
	foreign          map[string]bool   // ids of objects that somebody else has created
	destroyedOutside map[string]bool   // ids of objects that somebody else has destroyed
	secrets          map[string]string // by what they are
	planned          map[string]string // Trial.Planned of the saved plan
	shown            string            // the last plan, as JSON
	concluded        bool              // the experiment has made its last plan
	actionRunning    bool
	separateProcess  bool // the provider of the action is a process of its own, and its log is read
	violations       []Violation
}

func newHarness(t *testing.T, e Experiment) *Harness {
	t.Helper()
	sb := acctest.Start(t, func(o *sandbox.Options) {
		o.Engine = "miniredis" // real servers would take most of the time
		if e.Options != nil {
			e.Options(o)
		}
	})
	clock := newClockServer(t, sb.Clock())
	l := &Harness{
		Experiment: e, Sandbox: sb, T: t, clock: clock, CLI: newCLI(t, sb, clock, e.Config),
		foreign: map[string]bool{}, destroyedOutside: map[string]bool{}, secrets: map[string]string{"the API token": sb.Token()},
		separateProcess: e.Always || len(e.Secrets) > 0 || crc32.ChecksumIEEE([]byte(t.Name()))%4 == 0,
	}
	for i, secret := range e.Secrets {
		l.secrets[fmt.Sprintf("secret %d of the configuration", i+1)] = secret
	}
	if outside := l.Outside; outside != nil {
		l.Outside = func(l *Harness) { l.RecordOutside(func() { outside(l) }) }
	}
	return l
}

func (l *Harness) violate(invariant, format string, args ...any) {
	l.violations = append(l.violations, Violation{invariant, fmt.Sprintf(format, args...)})
}

// Trial is one run of the CLI and what it changed.
type Trial struct {
	acctest.Result
	Args        []string
	Diagnostics []Diagnostic
	Planned     map[string]string // action by address: create, update, delete, replace …
	Requests    []sandbox.Request // those of the provider
	before      world
	after       world
	log         string  // path of the log
	traced      *string // its content, once it was read
	signals     int
	killed      bool
	panicked    bool
	faults      []sandbox.Fault
}

// Diagnostic is a diagnostic in the JSON output of the CLI.
type Diagnostic struct{ Severity, Summary, Detail, Address string }

// overridden is the summary of the CLIs' warning about a provider from dev_overrides.
const overridden = "Provider development overrides are in effect"

func (t *Trial) errors() string {
	var b strings.Builder
	for _, d := range t.Diagnostics {
		if d.Summary == overridden {
			continue
		}
		fmt.Fprintf(&b, "[%s] %s (%s)\n%s\n", d.Severity, d.Summary, d.Address, d.Detail)
	}
	if b.Len() == 0 {
		return t.Stderr
	}
	return b.String()
}

// Apply, Plan and Destroy run the CLI to its end with JSON output, and Record with any arguments.
func (l *Harness) Apply(args ...string) *Trial {
	return l.Record(append([]string{"apply", "-auto-approve", "-input=false", "-json"}, args...)...)
}

func (l *Harness) Plan(args ...string) *Trial {
	return l.Record(append([]string{"plan", "-detailed-exitcode", "-input=false", "-json"}, args...)...)
}

func (l *Harness) Destroy(args ...string) *Trial {
	return l.Record(append([]string{"destroy", "-auto-approve", "-input=false", "-json"}, args...)...)
}

func (l *Harness) Record(args ...string) *Trial { return l.Begin(args...).End() }

// read parses the JSON output of the CLI.
func (t *Trial) read() {
	t.Planned = map[string]string{}
	for line := range strings.Lines(t.Stdout) {
		var event struct {
			Diagnostic *Diagnostic
			Change     *struct {
				Action   string
				Resource struct{ Addr string }
			}
			Type string
		}
		if json.Unmarshal([]byte(line), &event) != nil {
			continue
		}
		if event.Diagnostic != nil && !slices.Contains(t.Diagnostics, *event.Diagnostic) {
			t.Diagnostics = append(t.Diagnostics, *event.Diagnostic)
		}
		if event.Type == "planned_change" && event.Change != nil {
			t.Planned[event.Change.Resource.Addr] = event.Change.Action
		}
	}
}

func (l *Harness) has(variable string) bool {
	return slices.ContainsFunc(l.CLI.Env, func(s string) bool { return strings.HasPrefix(s, variable+"=") })
}

// HoldTime stops the clock until Resume, so that a test can interrupt a wait.
func (l *Harness) HoldTime() {
	l.separateProcess = true
	l.clock.hold()
}

// Resume lets time pass again, and ends Kill, Panic and Patience.
func (l *Harness) Resume() {
	l.clock.release()
	l.CLI.Env = slices.DeleteFunc(l.CLI.Env, func(s string) bool {
		return strings.HasPrefix(s, remote.Kill) || strings.HasPrefix(s, remote.Patience) || strings.HasPrefix(s, remote.Panic)
	})
}

// Kill makes a provider exit before it sees a certain answer: the n-th, or the first one for a method and path.
func (l *Harness) Kill(when string) { l.CLI.Env = append(l.CLI.Env, remote.Kill+"="+when) }

// KillCLIToo makes Kill end the CLI as well, as the loss of the machine does.
func (l *Harness) KillCLIToo() { l.CLI.Env = append(l.CLI.Env, remote.KillGroup+"=1") }

// Panic makes a provider panic when a certain answer arrives.
func (l *Harness) Panic(when string) { l.CLI.Env = append(l.CLI.Env, remote.Panic+"="+when) }

// Patience sets how long the client waits for an answer, in real time.
func (l *Harness) Patience(d time.Duration) {
	l.CLI.Env = append(l.CLI.Env, remote.Patience+"="+d.String())
}

// Skew sets the providers' clock ahead of Heroku's, or behind it if negative, until the end.
func (l *Harness) Skew(ahead time.Duration) {
	l.CLI.Env = append(l.CLI.Env, remote.Skew+"="+ahead.String())
}

// RecordOutside records the objects that somebody else creates and destroys beside Terraform.
func (l *Harness) RecordOutside(does func()) {
	before := l.snapshot()
	does()
	after := l.snapshot()
	for id := range after.living {
		if _, old := before.living[id]; !old {
			l.foreign[id] = true
		}
	}
	for id := range before.living {
		if _, alive := after.living[id]; !alive {
			l.destroyedOutside[id] = true
		}
	}
}

// Beside returns a CLI of somebody else, with another configuration and state.
func (l *Harness) Beside(config string) *acctest.CLI {
	l.T.Helper()
	other := newCLI(l.T, l.Sandbox, l.clock, config)
	other.Attach(l.factory)
	return other
}

// DisownAll records that the objects which another CLI manages are not this one's.
func (l *Harness) DisownAll(other *acctest.CLI) {
	for _, object := range objects(other) {
		l.foreign[object.id] = true
	}
}

// Disown records that the object which was at an address before the last run has left the state on purpose.
func (l *Harness) Disown(address string) {
	l.foreign[l.last().before.objects[address].id] = true
}

// world is the objects at Heroku and in the state.
type world struct {
	living  map[string]herokuObject // by id
	objects map[string]stateObject  // by address
}

type herokuObject struct {
	kind, name, parent string
	app                string // id of the app that an attachment is on
	used               bool   // whether an app has the URL of a store
}

type stateObject struct {
	kind, id string
	retired  string // id of the store that it has replaced, and that is kept
	owner    string // id of the app of a store
	tainted  bool
	all      string // the attributes, as JSON
}

func (w world) addressOf(id string) string {
	for address, object := range w.objects {
		if (object.id == id || object.retired == id) && object.kind != "kvs_maintenance_window" && object.kind != "kvs_trusted_ip_ranges" {
			return address
		}
	}
	return ""
}

func (l *Harness) snapshot() world {
	w := world{living: map[string]herokuObject{}, objects: objects(l.CLI)}
	var apps, attachments []struct {
		ID, Name string
		App      struct{ ID string }
		Addon    struct {
			ID  string
			App struct{ ID string }
		}
	}
	l.list("/apps", &apps)
	for _, app := range apps {
		w.living[app.ID] = herokuObject{kind: "app", name: app.Name}
	}
	l.list("/addon-attachments", &attachments)
	used := map[string]bool{}
	for _, attachment := range attachments {
		if !strings.HasPrefix(attachment.Name, "KVS_") { // these belong to replacements
			used[attachment.Addon.ID] = true
		}
		if attachment.App.ID != attachment.Addon.App.ID { // an attachment to the store's own app comes with the store
			w.living[attachment.ID] = herokuObject{kind: "attachment", name: attachment.Name, parent: attachment.Addon.ID, app: attachment.App.ID}
		}
	}
	for _, object := range l.Living() {
		w.living[object.ID] = herokuObject{kind: object.Kind, name: object.Name, parent: object.AppID, used: used[object.ID]}
	}
	return w
}

// list reads all pages of a list.
func (l *Harness) list(path string, into any) {
	l.T.Helper()
	var all []json.RawMessage
	for pages, next := 0, "id ..; max=1000"; next != "" && pages < 50; pages++ {
		request, err := http.NewRequestWithContext(l.T.Context(), http.MethodGet, l.URL()+path, nil)
		if err != nil {
			l.T.Fatal(err)
		}
		for name, value := range map[string]string{
			"Accept": "application/vnd.heroku+json; version=3", "Authorization": "Bearer " + l.Token(), "Range": next,
			"User-Agent": acctest.SomeoneElseAgent,
		} {
			request.Header.Set(name, value)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			l.T.Fatal(err)
		}
		var page []json.RawMessage
		err = json.NewDecoder(response.Body).Decode(&page)
		_ = response.Body.Close()
		if err != nil {
			l.T.Fatalf("GET %s: %s, %v", path, response.Status, err)
		}
		all, next = append(all, page...), response.Header.Get("Next-Range")
	}
	raw, err := json.Marshal(all)
	if err == nil {
		err = json.Unmarshal(raw, into)
	}
	if err != nil {
		l.T.Fatalf("GET %s: %v", path, err)
	}
}

// objects returns the managed resources of the state, by address.
func objects(c *acctest.CLI) map[string]stateObject {
	objects := map[string]stateObject{}
	for _, i := range c.Instances() {
		if i.Mode != "managed" || !strings.HasPrefix(i.Type, "kvs_") {
			continue
		}
		var attributes struct {
			ID      string
			Retired string `json:"retired_instance_id"`
			Owner   string `json:"app_id"`
		}
		_ = json.Unmarshal(i.Attributes, &attributes)
		objects[i.Address] = stateObject{
			kind: i.Type, id: attributes.ID, retired: attributes.Retired, owner: attributes.Owner,
			tainted: i.Tainted, all: string(i.Attributes),
		}
	}
	return objects
}

// learnSecrets reads the URLs and passwords of all stores.
func (l *Harness) learnSecrets() {
	client := l.Client(l.T)
	for _, object := range l.Living() {
		if _, known := l.secrets["the URL of "+object.ID]; known || object.Kind != "add-on" {
			continue
		}
		store, err := client.Store(l.T.Context(), heroku.AddOnID(object.ID))
		if err != nil || store.ResourceURL.Reveal() == "" {
			continue // not provisioned yet, so there is no URL
		}
		l.secrets["the URL of "+object.ID] = store.ResourceURL.Reveal()
		if u, err := url.Parse(store.ResourceURL.Reveal()); err == nil {
			if password, ok := u.User.Password(); ok {
				l.secrets["the password of "+object.ID] = password
			}
		}
	}
}

// traces returns the log of a run, empty if it has none.
func (t *Trial) traces() string {
	if t.traced == nil {
		content, err := os.ReadFile(t.log)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err.Error()
		}
		text := string(content)
		t.traced = &text
	}
	return *t.traced
}

// savedPlan returns the content of the saved plan without the configuration in it, which has the literals of the test.
func (l *Harness) savedPlan() string {
	archive, err := zip.OpenReader(filepath.Join(l.CLI.Dir(), "saved"))
	if err != nil {
		return ""
	}
	defer func() { _ = archive.Close() }()
	var b strings.Builder
	for _, file := range archive.File {
		if content, err := file.Open(); err == nil && !strings.HasPrefix(file.Name, "tfconfig") {
			_, _ = io.Copy(&b, io.LimitReader(content, 64<<20))
			_ = content.Close()
		}
	}
	return b.String()
}

// story describes all runs, for the log of a failed test.
func (l *Harness) story() string {
	var b strings.Builder
	for i, t := range l.trials {
		fmt.Fprintf(&b, "\n%d. %s: exit %d, planned %v\n", i+1, strings.Join(t.Args, " "), t.Code, t.Planned)
		for former := ""; len(t.Requests) > 0; t.Requests = t.Requests[1:] {
			request := t.Requests[0]
			line := fmt.Sprintf("   %s %s: %d %s\n", request.Method, request.Path, request.Status, request.Fault)
			if line != former {
				b.WriteString(line)
			}
			former = line
		}
		b.WriteString(t.errors())
		for _, address := range slices.Sorted(maps.Keys(t.after.objects)) {
			object := t.after.objects[address]
			fmt.Fprintf(&b, "   in the state: %s %s tainted=%v\n", address, object.id, object.tainted)
		}
	}
	return b.String()
}
