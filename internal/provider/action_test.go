// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"github.com/hashicorp/terraform-plugin-log/tflogtest"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// These tests speak the plugin protocol themselves, so that they are the same under every CLI: some have no actions.

// actionServer is a configured provider.
type actionServer struct {
	*testing.T
	server interface {
		tfprotov6.ProviderServer
		tfprotov6.ActionServer
	}
	schemas map[string]*tfprotov6.ActionSchema
	own     tftypes.Object // the provider's configuration
	log     *bytes.Buffer
}

func newActionServer(t *testing.T, sb *acctest.Sandbox) actionServer {
	t.Helper()
	s := unconfiguredActionServer(t, sb)
	s.configure(tftypes.NewValue(tftypes.String, nil))
	return s
}

func unconfiguredActionServer(t *testing.T, sb *acctest.Sandbox) actionServer {
	t.Helper()
	server, err := sb.Factories()["kvs"]()
	if err != nil {
		t.Fatal(err)
	}
	s := actionServer{T: t, log: new(bytes.Buffer)}
	s.server = server.(interface {
		tfprotov6.ProviderServer
		tfprotov6.ActionServer
	})
	schemas, err := server.GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	s.schemas, s.own = schemas.ActionSchemas, schemas.Provider.ValueType().(tftypes.Object)
	return s
}

// configure gives the provider this api_key; the test's own wins over it, unless it is unknown.
func (s actionServer) configure(apiKey tftypes.Value) {
	s.Helper()
	s.configureWith(values{"api_key": apiKey})
}

// configureWith gives the provider these attributes.
func (s actionServer) configureWith(given values) {
	s.Helper()
	all := map[string]tftypes.Value{}
	for name, kind := range s.own.AttributeTypes {
		all[name] = tftypes.NewValue(kind, nil)
		if value, ok := given[name].(tftypes.Value); ok {
			all[name] = value
		}
	}
	config := dynamic(s.T, s.own, all)
	configured, err := s.server.ConfigureProvider(s.Context(), &tfprotov6.ConfigureProviderRequest{Config: config})
	if err != nil || len(configured.Diagnostics) > 0 {
		s.Fatal(err, configured)
	}
}

func dynamic(t *testing.T, of tftypes.Type, values map[string]tftypes.Value) *tfprotov6.DynamicValue {
	t.Helper()
	value, err := tfprotov6.NewDynamicValue(of, tftypes.NewValue(of, values))
	if err != nil {
		t.Fatal(err)
	}
	return &value
}

// values are the attributes of an action that are not null.
type values map[string]any

// config is a value of the action's schema.
func (s actionServer) config(name string, given values) *tfprotov6.DynamicValue {
	s.Helper()
	schema, ok := s.schemas[name]
	if !ok {
		s.Fatalf("there is no action %s: %v", name, slices.Sorted(maps.Keys(s.schemas)))
	}
	of := schema.Schema.ValueType().(tftypes.Object)
	all := make(map[string]tftypes.Value)
	for attribute, kind := range of.AttributeTypes {
		all[attribute] = tftypes.NewValue(kind, nil)
		if value, ok := given[attribute]; ok {
			if within, nested := value.(string); nested && kind.Is(tftypes.Object{}) {
				value = map[string]tftypes.Value{"invoke": tftypes.NewValue(tftypes.String, within)}
			}
			all[attribute] = tftypes.NewValue(kind, value)
		}
	}
	return dynamic(s.T, of, all)
}

// told is what an invocation said.
type told struct {
	*testing.T
	progress []string
	errors   []string
	warnings []string
}

func (told told) String() string {
	return strings.Join(slices.Concat(told.progress, told.errors, told.warnings), "\n")
}

// diagnose keeps an attribute's path with what is said of it.
func (told *told) diagnose(diagnostics []*tfprotov6.Diagnostic) {
	for _, d := range diagnostics {
		text := d.Summary + "\n" + d.Detail
		if d.Attribute != nil {
			text = d.Attribute.String() + ": " + text
		}
		if d.Severity == tfprotov6.DiagnosticSeverityError {
			told.errors = append(told.errors, text)
		} else {
			told.warnings = append(told.warnings, text)
		}
	}
}

// invoke runs an action to its end.
func (s actionServer) invoke(name string, given values) told {
	s.Helper()
	return s.invokeUntil("", name, given)
}

// invokeUntil interrupts it as soon as a progress message contains a text.
func (s actionServer) invokeUntil(message, name string, given values) told {
	s.Helper()
	ctx, interrupt := context.WithCancel(tflogtest.RootLogger(s.Context(), s.log))
	defer interrupt()
	stream, err := s.server.InvokeAction(ctx, &tfprotov6.InvokeActionRequest{ActionType: name, Config: s.config(name, given)})
	if err != nil {
		s.Fatal(err)
	}
	said := told{T: s.T}
	for event := range stream.Events {
		switch event := event.Type.(type) {
		case tfprotov6.ProgressInvokeActionEventType:
			said.progress = append(said.progress, event.Message)
			if message != "" && strings.Contains(event.Message, message) {
				interrupt()
			}
		case tfprotov6.CompletedInvokeActionEventType:
			said.diagnose(event.Diagnostics)
		}
	}
	said.numbered()
	if interrupted := ctx.Err() != nil; interrupted != (message != "") {
		s.Fatalf("interrupted: %t, want one at %q in\n%s", interrupted, message, said)
	}
	return said
}

var progressPattern = regexp.MustCompile(`^[a-z0-9-]+: step [0-9]+ of [0-9]+, [^()]+ \([0-9hms]+ elapsed, at most [0-9hms]+ remaining\)$`)

var stepPattern = regexp.MustCompile(`: step ([0-9]+) of ([0-9]+), ([^:(]+[^:( ])`)

// numbered fails the test unless the steps are numbered from 1, one after the other, and each is begun once.
func (told told) numbered() {
	told.Helper()
	number, step := 0, ""
	begun := map[string]bool{}
	for _, message := range told.progress {
		parts := stepPattern.FindStringSubmatch(message)
		if parts == nil {
			told.Errorf("this names no step: %s", message)
			continue
		}
		if parts[3] != step {
			number, step = number+1, parts[3]
		}
		if strings.Contains(message, ", "+step+" (") {
			if begun[step] {
				told.Errorf("%s is begun again:\n%s", step, told)
			}
			begun[step] = true
		}
		if parts[1] != fmt.Sprint(number) || len(parts[2]) < len(parts[1]) || len(parts[2]) == len(parts[1]) && parts[2] < parts[1] {
			told.Errorf("this is not step %d:\n%s", number, told)
		}
	}
}

// succeeded fails the test unless there was no error, each message has its form, and these texts were said in this order.
func (told told) succeeded(texts ...string) {
	told.Helper()
	if len(told.errors) > 0 {
		told.Fatalf("it failed:\n%s", told)
	}
	rest := strings.Join(told.progress, "\n")
	for _, text := range texts {
		_, after, found := strings.Cut(rest, text)
		if !found {
			told.Errorf("%q was not said, or not in its place:\n%s", text, told)
		}
		rest = after
	}
	for _, message := range told.progress {
		if !progressPattern.MatchString(message) {
			told.Errorf("this does not name step, elapsed and remaining time: %s", message)
		}
	}
}

// failed fails the test unless there was one error that says this.
func (told told) failed(texts ...string) {
	told.Helper()
	if len(told.errors) != 1 {
		told.Fatalf("%d errors, want 1:\n%s", len(told.errors), told)
	}
	for _, text := range texts {
		if !strings.Contains(told.errors[0], text) {
			told.Errorf("the error does not say %q:\n%s", text, told)
		}
	}
}

// keptWorld has a store that two apps use.
type keptWorld struct {
	acctest.Apps
	actionServer
	web, api heroku.AppID
	store    heroku.AddOnID
}

func newKeptWorld(t *testing.T, plan string, edit ...func(*sandbox.Options)) keptWorld {
	t.Helper()
	options := func(o *sandbox.Options) { o.Engine = "miniredis" }
	sb := acctest.Start(t, append([]func(*sandbox.Options){options}, edit...)...)
	w := keptWorld{Apps: sb.Apps(t), actionServer: newActionServer(t, sb)}
	w.web, w.api = w.RunningApp("orders-web"), w.RunningApp("orders-api")
	addOn, err := w.Somebody.CreateAddOn(t.Context(), w.web,
		heroku.AddOnCreate{Plan: "heroku-redis:" + plan, Name: "orders-cache", AttachmentName: "REDIS"})
	if err == nil {
		_, err = w.Somebody.WaitAddOnProvisioned(t.Context(), addOn.ID, time.Hour)
	}
	if err == nil {
		_, err = w.Somebody.WaitStoreAvailable(t.Context(), addOn.ID, "", time.Hour)
	}
	if err == nil {
		_, err = w.Somebody.CreateAttachment(t.Context(), heroku.AttachmentCreate{AddOn: addOn.ID, App: w.api, Name: "SHARED"})
	}
	if err != nil {
		t.Fatal(err)
	}
	w.store = addOn.ID
	return w
}

// require makes Heroku want a maintenance within three weeks.
func (w keptWorld) require() {
	w.Apps.Helper()
	if err := w.RequireMaintenance("orders-cache", 3*7*24*time.Hour); err != nil {
		w.Apps.Fatal(err)
	}
}

func (w keptWorld) status() string {
	w.Apps.Helper()
	m, err := w.Somebody.Maintenance(w.Apps.Context(), w.store)
	if err != nil {
		w.Apps.Fatal(err)
	}
	return m.Status
}

// about is the configuration of an action about the store, with some more attributes.
func (w keptWorld) about(more values) values {
	all := values{"instance_id": string(w.store)}
	maps.Copy(all, more)
	return all
}

// expectBoth is expect for both apps.
func (w keptWorld) expectBoth(want string) {
	w.Apps.Helper()
	w.ExpectApp(w.web, want)
	w.ExpectApp(w.api, want)
}

func TestActions_areServed(t *testing.T) {
	t.Parallel()
	s := unconfiguredActionServer(t, acctest.Start(t, func(o *sandbox.Options) { o.Engine = "miniredis" }))
	want := []string{"kvs_reset_stats", "kvs_rotate_credentials", "kvs_run_maintenance", "kvs_schedule_maintenance",
		"kvs_set_app_maintenance", "kvs_upgrade_version"}
	if got := slices.Sorted(maps.Keys(s.schemas)); !slices.Equal(got, want) {
		t.Errorf("the actions are %q, want %q", got, want)
	}
}

// required is a configuration of each action that has only what it must have.
func required(id string) map[string]values {
	return map[string]values{
		"kvs_reset_stats":          {"instance_id": id},
		"kvs_rotate_credentials":   {"instance_id": id},
		"kvs_run_maintenance":      {"instance_id": id},
		"kvs_schedule_maintenance": {"instance_id": id, "in_weeks": 1},
		"kvs_set_app_maintenance":  {"app_id": id, "maintenance": true},
		"kvs_upgrade_version":      {"instance_id": id, "version": "7.2"},
	}
}

// What is null is the default, what is unknown is not judged before it is known, and nothing is done with it.
func TestActions_nullAndUnknownValues(t *testing.T) {
	t.Parallel()
	w := newKeptWorld(t, "premium-0")
	w.require()
	w.ResetJournal()
	for name, given := range required(string(w.store)) {
		for attribute := range w.schemas[name].Schema.ValueType().(tftypes.Object).AttributeTypes {
			with := maps.Clone(given)
			with[attribute] = tftypes.UnknownValue
			if attribute == "not_before" {
				delete(with, "in_weeks")
			}
			config := w.config(name, with)
			validated, err := w.server.ValidateActionConfig(t.Context(),
				&tfprotov6.ValidateActionConfigRequest{ActionType: name, Config: config})
			if err != nil || len(validated.Diagnostics) > 0 {
				t.Errorf("validating %s with %s unknown: %v, %+v", name, attribute, err, validated)
			}
			planned, err := w.server.PlanAction(t.Context(), &tfprotov6.PlanActionRequest{ActionType: name, Config: config})
			if err != nil || len(planned.Diagnostics) > 0 {
				t.Errorf("planning %s with %s unknown: %v, %+v", name, attribute, err, planned)
			}
			w.invoke(name, with).failed(attribute+" is known only after apply", "Nothing was done")
		}
	}
	if writes := w.Requests("(POST|PATCH|PUT|DELETE)", ".*"); len(writes) != 0 {
		t.Errorf("with unknown values, this was sent: %v", writes)
	}
}

func TestActions_refusedConfigurations(t *testing.T) {
	t.Parallel()
	s := newActionServer(t, acctest.Start(t, func(o *sandbox.Options) { o.Engine = "miniredis" }))
	id := "7c4e2a90-3b5d-4f8e-a1c6-d2e3f4a5b6c7"
	for name, test := range map[string]struct {
		action string
		given  values
		says   string
	}{
		"a name instead of an id": {"kvs_reset_stats", values{"instance_id": "orders-cache"}, "is not an id"},
		"a version that is none":  {"kvs_upgrade_version", values{"instance_id": id, "version": "latest"}, "is not a version"},
		"another time": {"kvs_upgrade_version", values{"instance_id": id, "version": "7.2", "when": "later"},
			"value must be one of"},
		"a date that is none": {"kvs_schedule_maintenance", values{"instance_id": id, "not_before": "23.2.2026"}, "is not a date"},
		"no week":             {"kvs_schedule_maintenance", values{"instance_id": id}, "Give either not_before or in_weeks"},
		"two weeks": {"kvs_schedule_maintenance",
			values{"instance_id": id, "not_before": "2026-02-23", "in_weeks": 2}, "Give either not_before or in_weeks"},
		"weeks in the past":      {"kvs_schedule_maintenance", values{"instance_id": id, "in_weeks": -1}, "a whole number from 0 to 52"},
		"a timeout that is none": {"kvs_run_maintenance", values{"instance_id": id, "timeouts": "soon"}, "is not a time to wait"},
		"a time in the past":     {"kvs_run_maintenance", values{"instance_id": id, "timeouts": "-5m"}, "is not a time to wait"},
		"half a week": {"kvs_schedule_maintenance", values{"instance_id": id, "in_weeks": 0.5},
			"a time of 0.5 weeks is not a whole number"},
		"nobody's confirmation": {"kvs_run_maintenance", values{"instance_id": id, "confirm": ""}, "cannot be the name of an app"},
	} {
		validated, err := s.server.ValidateActionConfig(t.Context(),
			&tfprotov6.ValidateActionConfigRequest{ActionType: test.action, Config: s.config(test.action, test.given)})
		if err != nil {
			t.Fatal(err)
		}
		said := told{T: t}
		if said.diagnose(validated.Diagnostics); len(said.errors) != 1 || !strings.Contains(said.errors[0], test.says) {
			t.Errorf("%s: %s", name, said)
		}
	}
}

func TestActions_ofWhatIsGone(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t, func(o *sandbox.Options) { o.Engine = "miniredis" })
	s := newActionServer(t, sb)
	for name, given := range required("7c4e2a90-3b5d-4f8e-a1c6-d2e3f4a5b6c7") {
		s.invoke(name, given).failed("7c4e2a90-3b5d-4f8e-a1c6-d2e3f4a5b6c7", "404 not_found")
	}
	if writes := sb.Requests("(POST|PATCH|PUT|DELETE)", ".*"); len(writes) != 0 {
		t.Error(writes)
	}
}

func TestActions_ofAProviderThatIsNotConfigured(t *testing.T) {
	t.Parallel()
	s := unconfiguredActionServer(t, acctest.Start(t, func(o *sandbox.Options) { o.Engine = "miniredis" }))
	s.configure(tftypes.NewValue(tftypes.String, tftypes.UnknownValue))
	for name, given := range required("7c4e2a90-3b5d-4f8e-a1c6-d2e3f4a5b6c7") {
		s.invoke(name, given).failed("The kvs provider is not configured yet")
	}
}

var (
	actionBlock = regexp.MustCompile(`(?s)\naction "([a-z_]+)" "([a-z_]+)" \{\n  config \{\n(.*?)\n  \}\n\}\n`)
	assignment  = regexp.MustCompile(`(?m)^    ([a-z_]+) += `)
)

// An example of each action says how it is invoked, and has the attributes that there are.
func TestActions_examples(t *testing.T) {
	t.Parallel()
	s := unconfiguredActionServer(t, acctest.Start(t, func(o *sandbox.Options) { o.Engine = "miniredis" }))
	for name, schema := range s.schemas {
		content, err := os.ReadFile(filepath.Join(examplesDir, "actions", name, "action.tf"))
		if err != nil {
			t.Error(err)
			continue
		}
		blocks := actionBlock.FindAllStringSubmatch(string(content), -1)
		if len(blocks) != strings.Count(string(content), "\naction ") || len(blocks) == 0 {
			t.Errorf("%s: %d of its blocks can be read", name, len(blocks))
		}
		for _, block := range blocks {
			if invoke := "-invoke=action." + name + "." + block[2]; block[1] != name || !strings.Contains(string(content), invoke) {
				t.Errorf("%s: %s %s, without %s", name, block[1], block[2], invoke)
			}
			var given []string
			for _, match := range assignment.FindAllStringSubmatch(block[3], -1) {
				given = append(given, match[1])
			}
			for _, attribute := range schema.Schema.Block.Attributes {
				if attribute.Required && !slices.Contains(given, attribute.Name) {
					t.Errorf("%s: %s has no %s", name, block[2], attribute.Name)
				}
				given = slices.DeleteFunc(given, func(name string) bool { return name == attribute.Name })
			}
			if len(given) > 0 {
				t.Errorf("%s: there is no attribute %q", name, given)
			}
		}
	}
}

const (
	oneStore = heroku.AddOnID("7c4e2a90-3b5d-4f8e-a1c6-d2e3f4a5b6c7")
	running  = "open clock=0 web=2 worker=1"
	memo     = `{"holders":["7c4e2a90-3b5d-4f8e-a1c6-d2e3f4a5b6c7"],"maintenance":false,"formation":{"web":2,"worker":1}}`
)
