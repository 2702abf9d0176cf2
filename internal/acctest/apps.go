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

// Apps are those of a sandbox, as somebody sees and changes them who uses the API beside Terraform.
type Apps struct {
	*testing.T
	*Sandbox
	Somebody *heroku.Client
}

// Apps returns them.
func (s *Sandbox) Apps(t *testing.T) Apps {
	t.Helper()
	return Apps{t, s, s.Client(t)}
}

// RunningApp makes an app with two web dynos and one worker.
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

// AppState is an app in one line: maintenance mode, dynos by process type, and what a replacement remembers of it.
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

// ExpectApp compares an app's state with that line.
func (a Apps) ExpectApp(app heroku.AppID, want string) {
	a.Helper()
	if got := a.AppState(app); got != want {
		a.Errorf("the app is\n%s\nwant\n%s", got, want)
	}
}
