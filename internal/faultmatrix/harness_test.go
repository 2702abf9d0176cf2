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

// workflowBudget is for the requests of a workflow's dozen objects.
const workflowBudget = 1000

// Harness is where one experiment takes place.
type Harness struct {
	Experiment
	*acctest.Sandbox
	T   *testing.T
	CLI *acctest.CLI

	clock      *clockServer
	trials     []*Trial
	foreign    map[string]bool // what somebody else has made
	excused    map[string]bool // what somebody else has destroyed
	secrets    map[string]string
	planned    map[string]string // of the saved plan
	shown      string            // the last plan, as JSON
	concluded  bool              // it came to its last plan
	acting     bool              // the action is under way
	apart      bool              // its provider is a process of its own, whose log is read
	violations []Violation
}

func newHarness(t *testing.T, e Experiment) *Harness {
	t.Helper()
	sb := acctest.Start(t, func(o *sandbox.Options) {
		o.Engine = "miniredis" // a real server for each store would be most of the time
		if e.Options != nil {
			e.Options(o)
		}
	})
	clock := newClockServer(t, sb.Clock())
	l := &Harness{
		Experiment: e, Sandbox: sb, T: t, clock: clock, CLI: newCLI(t, sb, clock, e.Config),
		foreign: map[string]bool{}, excused: map[string]bool{}, secrets: map[string]string{"the API token": sb.Token()},
		apart: e.Always || len(e.Secrets) > 0 || crc32.ChecksumIEEE([]byte(t.Name()))%4 == 0,
	}
	for i, secret := range e.Secrets {
		l.secrets[fmt.Sprintf("secret %d of the configuration", i+1)] = secret
	}
	if outside := l.Outside; outside != nil {
		l.Outside = func(l *Harness) { l.Somebody(func() { outside(l) }) }
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
	Planned     map[string]string // address -> create, update, delete, replace …
	Requests    []sandbox.Request // the provider's
	before      world
	after       world
	log         string // where it is
	traced      *string
	signals     int
	killed      bool
	panicked    bool
	faults      []sandbox.Fault
}

// Diagnostic is one as the CLI reports it to machines.
type Diagnostic struct{ Severity, Summary, Detail, Address string }

// overridden is what the CLIs say of every provider that is not installed.
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

// Apply, Plan, Destroy and Record run the CLI to its end.
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

// read understands the lines that the CLI writes for machines.
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

// HoldTime makes whoever waits wait in earnest, until Calm: an interrupt is to come meanwhile.
func (l *Harness) HoldTime() {
	l.apart = true
	l.clock.hold()
}

// Calm lets time pass again, and providers live.
func (l *Harness) Calm() {
	l.clock.release()
	l.CLI.Env = slices.DeleteFunc(l.CLI.Env, func(s string) bool {
		return strings.HasPrefix(s, remote.Kill) || strings.HasPrefix(s, remote.Patience) || strings.HasPrefix(s, remote.Panic)
	})
}

// Kill makes providers die before they see a certain answer: the n-th, or the first to a method and path.
func (l *Harness) Kill(when string) { l.CLI.Env = append(l.CLI.Env, remote.Kill+"="+when) }

// KillCLIToo makes it a death of both, as when the machine is lost.
func (l *Harness) KillCLIToo() { l.CLI.Env = append(l.CLI.Env, remote.KillGroup+"=1") }

// Panic makes providers panic when an answer arrives.
func (l *Harness) Panic(when string) { l.CLI.Env = append(l.CLI.Env, remote.Panic+"="+when) }

// Patience is how long the client waits for an answer, in real time.
func (l *Harness) Patience(d time.Duration) {
	l.CLI.Env = append(l.CLI.Env, remote.Patience+"="+d.String())
}

// Skew makes the providers' clock wrong until the end: it is so far ahead of Heroku's, or behind when it is negative.
func (l *Harness) Skew(ahead time.Duration) {
	l.CLI.Env = append(l.CLI.Env, remote.Skew+"="+ahead.String())
}

// Somebody notes what a person or another tool makes and destroys beside Terraform.
func (l *Harness) Somebody(does func()) {
	before := l.look()
	does()
	after := l.look()
	for id := range after.living {
		if _, old := before.living[id]; !old {
			l.foreign[id] = true
		}
	}
	for id := range before.living {
		if _, alive := after.living[id]; !alive {
			l.excused[id] = true
		}
	}
}

// Beside is another CLI, with another configuration and state, of somebody else.
func (l *Harness) Beside(config string) *acctest.CLI {
	l.T.Helper()
	other := newCLI(l.T, l.Sandbox, l.clock, config)
	other.Attach(l.factory)
	return other
}

// DisownAll notes that what another CLI manages is not this one's.
func (l *Harness) DisownAll(other *acctest.CLI) {
	for _, object := range objects(other) {
		l.foreign[object.id] = true
	}
}

// Disown notes that what an object's address meant before the last run is nobody's on purpose.
func (l *Harness) Disown(address string) {
	l.foreign[l.last().before.objects[address].id] = true
}

// world is what lives at Heroku, and what the state knows of it.
type world struct {
	living  map[string]thing   // by id
	objects map[string]managed // by address
}

type thing struct {
	kind, name, parent string
	app                string // of an attachment: whose config var it is
	used               bool   // of a store: an app has its URL
}

type managed struct {
	kind, id string
	retired  string // the store that it replaced, and that is kept
	owner    string // the app of a store
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

func (l *Harness) look() world {
	w := world{living: map[string]thing{}, objects: objects(l.CLI)}
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
		w.living[app.ID] = thing{kind: "app", name: app.Name}
	}
	l.list("/addon-attachments", &attachments)
	used := map[string]bool{}
	for _, attachment := range attachments {
		if !strings.HasPrefix(attachment.Name, "KVS_") { // those are a replacement's own
			used[attachment.Addon.ID] = true
		}
		if attachment.App.ID != attachment.Addon.App.ID { // those on its own app come with a store
			w.living[attachment.ID] = thing{kind: "attachment", name: attachment.Name, parent: attachment.Addon.ID, app: attachment.App.ID}
		}
	}
	for _, object := range l.Living() {
		w.living[object.ID] = thing{kind: object.Kind, name: object.Name, parent: object.AppID, used: used[object.ID]}
	}
	return w
}

// list reads a whole list, whatever the size of its pages.
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

// objects are the managed ones in the state, by address.
func objects(c *acctest.CLI) map[string]managed {
	objects := map[string]managed{}
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
		objects[i.Address] = managed{
			kind: i.Type, id: attributes.ID, retired: attributes.Retired, owner: attributes.Owner,
			tainted: i.Tainted, all: string(i.Attributes),
		}
	}
	return objects
}

// learnSecrets asks for what Heroku has made that nobody may see.
func (l *Harness) learnSecrets() {
	client := l.Client(l.T)
	for _, object := range l.Living() {
		if _, known := l.secrets["the URL of "+object.ID]; known || object.Kind != "add-on" {
			continue
		}
		store, err := client.Store(l.T.Context(), heroku.AddOnID(object.ID))
		if err != nil || store.ResourceURL.Reveal() == "" {
			continue // not provisioned yet: nobody has it
		}
		l.secrets["the URL of "+object.ID] = store.ResourceURL.Reveal()
		if u, err := url.Parse(store.ResourceURL.Reveal()); err == nil {
			if password, ok := u.User.Password(); ok {
				l.secrets["the password of "+object.ID] = password
			}
		}
	}
}

// traces are the lines of a run's log.
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

// savedPlan is what a saved plan consists of, but for the configuration, whose literals it repeats.
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

// story is what happened, for the reader of a failure.
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
