// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package acctest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
)

// Apps reads and changes the apps of a sandbox, as somebody does who uses the API beside Terraform.
type Apps struct {
	*testing.T
	*Sandbox
	Somebody *heroku.Client
}

// Apps returns the apps of the sandbox.
func (s *Sandbox) Apps(t *testing.T) Apps {
	t.Helper()
	return Apps{t, s, s.Client(t)}
}

// RunningApp creates an app with two web dynos, one worker, and a process type clock without dynos.
func (a Apps) RunningApp(name string) heroku.AppID {
	a.Helper()
	app, err := a.Somebody.CreateApp(a.Context(), heroku.AppCreate{Name: name})
	if err == nil {
		err = a.Deploy(name, "web", "worker", "clock")
	}
	if err == nil {
		err = a.Somebody.Scale(a.Context(), app.ID, map[string]int{"web": 2, "clock": 0})
	}
	if err != nil {
		a.Fatal(err)
	}
	return app.ID
}

// SwitchMaintenance switches the maintenance mode of an app.
func (a Apps) SwitchMaintenance(app heroku.AppID, on bool) {
	a.Helper()
	if _, err := a.Somebody.UpdateApp(a.Context(), app, heroku.AppUpdate{Maintenance: &on}); err != nil {
		a.Fatal(err)
	}
}

// AppState describes an app in one line: its maintenance mode, its dynos by process type, and its config var KVS_MIGRATION.
func (a Apps) AppState(id heroku.AppID) string {
	a.Helper()
	app, err := a.Somebody.FindApp(a.Context(), string(id))
	if err != nil {
		a.Fatal(err)
	}
	formation, err := a.Somebody.Formation(a.Context(), id)
	if err != nil {
		a.Fatal(err)
	}
	memo, _, err := a.Somebody.ConfigVar(a.Context(), id, "KVS_MIGRATION")
	if err != nil {
		a.Fatal(err)
	}
	parts := []string{map[bool]string{true: "maintenance", false: "open"}[app.Maintenance]}
	slices.SortFunc(formation, func(a, b heroku.Process) int { return strings.Compare(a.Type, b.Type) })
	for _, process := range formation {
		parts = append(parts, fmt.Sprintf("%s=%d", process.Type, process.Quantity))
	}
	return strings.TrimSpace(strings.Join(parts, " ") + " " + memo)
}

// ExpectApp compares AppState of an app with want.
func (a Apps) ExpectApp(app heroku.AppID, want string) {
	a.Helper()
	if got := a.AppState(app); got != want {
		a.Errorf("the app is\n%s\nwant\n%s", got, want)
	}
}
