// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// process is a process type in an app's formation. No process runs.
type process struct {
	ID, Type, Command, Size string
	Quantity                int
	CreatedAt, UpdatedAt    time.Time
	Restarted               map[int]time.Time `json:",omitempty"` // time of the last separate restart of a dyno, by its number
}

// Limits for one process type (Dev Center: Dyno Types, default scaling limits), and for all apps in a space (Dev Center: Private Spaces,
// "Default Limits for Private Spaces").
const (
	maxDynos      = 10
	maxSpaceDynos = 100
)

func processBody(a *app, p process) object {
	return object{
		"id": p.ID, "type": p.Type, "command": p.Command, "quantity": p.Quantity, "size": p.Size,
		"dyno_size": idName{catalogueID("dyno size " + p.Size), p.Size}, "app": a.idName(),
		"created_at": stamp(p.CreatedAt), "updated_at": stamp(p.UpdatedAt),
	}
}

func listFormation(_ *call, a *app) (any, error) {
	return listAll(a.Formation, func(p process) object { return processBody(a, p) }, "id", "name", "updated_at"), nil
}

func (a *app) process(ref string) (*process, error) {
	i := slices.IndexFunc(a.Formation, func(p process) bool { return p.Type == ref || p.ID == ref })
	if i < 0 {
		return nil, notFound("formation", fmt.Sprintf("process type (%s)", ref))
	}
	return &a.Formation[i], nil
}

func getProcess(c *call, a *app) (any, error) {
	p, err := a.process(c.PathValue("process"))
	if err != nil {
		return nil, err
	}
	return processBody(a, *p), nil
}

// quantity is an absolute number (2 or "2"), or a relative one ("+1" or "-1").
type quantity struct {
	n        int
	relative bool
}

func (q *quantity) UnmarshalJSON(raw []byte) error {
	text := strings.Trim(string(raw), `"`)
	n, err := strconv.Atoi(text)
	if err != nil {
		return &json.UnmarshalTypeError{Value: text, Field: "quantity"}
	}
	*q = quantity{n: n, relative: text[0] == '+' || text[0] == '-'}
	return nil
}

type scaleParams struct {
	Type     string    `json:"type"`
	Quantity *quantity `json:"quantity"`
	Size     reference `json:"size"`
	DynoSize reference `json:"dyno_size"`
}

func (in scaleParams) apply(p *process, available func(dynoSize) bool, now time.Time) error {
	size := string(cmp.Or(in.DynoSize, in.Size))
	if size != "" {
		known, ok := lookUpDynoSize(size)
		if !ok || !available(known) {
			var names []string
			for _, d := range dynoSizes {
				if available(d) {
					names = append(names, d.name)
				}
			}
			return invalid("No such size as %s. Use one of %s.", size, strings.Join(names, ", "))
		}
		size = known.name
	} else {
		size = p.Size
	}
	n := p.Quantity
	if in.Quantity != nil {
		if n = in.Quantity.n; in.Quantity.relative {
			n += p.Quantity
		}
	}
	switch {
	case n < 0:
		return invalid("Quantity must be 0 or more.")
	case n > maxDynos:
		return refuse(http.StatusUnprocessableEntity, "cannot_update_above_limit",
			"Cannot update to more than %d %s size dynos per process type.", maxDynos, size)
	}
	p.Quantity, p.Size, p.UpdatedAt = n, size, now
	return nil
}

// checkSizes refuses dyno sizes that cannot be combined in one app (captured response of the Platform API).
func (a *app) checkSizes() error {
	family := func(size string) string {
		name, _, _ := strings.Cut(strings.Replace(size, "Performance", "Standard", 1), "-")
		return name
	}
	for _, p := range a.Formation {
		if first := a.Formation[0]; family(p.Size) != family(first.Size) {
			return invalid("Cannot use the following dyno types in the same app: %s and %s", first.Size, p.Size)
		}
	}
	return nil
}

// checkSpaceDynos refuses more dynos than a space may have in total. Heroku's response is not documented; this one is inferred.
func (w *world) checkSpaceDynos(a *app) error {
	if a.Space == "" {
		return nil
	}
	n := 0
	for _, other := range w.appsIn(w.Spaces[a.Space]) {
		for _, p := range other.Formation {
			n += p.Quantity
		}
	}
	if n > maxSpaceDynos {
		return refuse(http.StatusUnprocessableEntity, "cannot_update_above_limit",
			"Cannot update to more than %d dynos in the space %s.", maxSpaceDynos, w.Spaces[a.Space].Name)
	}
	return nil
}

func updateFormation(c *call, a *app, in struct {
	Updates []scaleParams `json:"updates"`
}) (any, error) {
	if err := c.scale(a, in.Updates); err != nil {
		return nil, err
	}
	bodies := []object{}
	for _, p := range a.Formation {
		bodies = append(bodies, processBody(a, p))
	}
	return bodies, nil
}

func updateProcess(c *call, a *app, in scaleParams) (any, error) {
	p, err := a.process(c.PathValue("process"))
	if err != nil {
		return nil, err
	}
	in.Type = p.Type
	if err := c.scale(a, []scaleParams{in}); err != nil {
		return nil, err
	}
	return getProcess(c, a)
}

// scale applies all updates of a formation, or none.
func (c *call) scale(a *app, updates []scaleParams) (err error) {
	before := slices.Clone(a.Formation)
	available := func(d dynoSize) bool { return c.w.allowsDynoSize(a, d) }
	for _, update := range updates {
		p, findErr := a.process(update.Type)
		if err = findErr; err == nil {
			err = update.apply(p, available, c.now)
		}
		if err != nil {
			break
		}
	}
	if err == nil {
		err = a.checkSizes()
	}
	if err == nil {
		err = c.w.checkSpaceDynos(a)
	}
	if err != nil {
		a.Formation = before
	}
	return err
}

// firstDeployment are the process types of a new app, unless Options.Undeployed is set.
var firstDeployment = []string{"web", "worker"}

// Deploy replaces the process types of an app, given by id or name, as the deployment of another Procfile does. An existing type keeps its
// scale, and a new type gets one dyno. It adds one release. No process runs. An unknown app is an error.
func (s *Sandbox) Deploy(appRef string, types ...string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := find(s.world.Apps, appRef, (*app).name)
	if a == nil {
		return fmt.Errorf("deploying: there is no app %q", appRef)
	}
	s.world.deploy(a, s.world.Users[a.Owner], s.clock.Now(), types)
	return s.save()
}

func (w *world) deploy(a *app, by *user, now time.Time, types []string) {
	w.setProcessTypes(a, types, now)
	a.Slug, a.Stack = w.uuid(), a.BuildStack
	w.release(a, "Deploy "+a.Slug[:8], by, now)
}

// setProcessTypes replaces the process types of an app. An existing type keeps its scale, and a new type gets one dyno.
func (w *world) setProcessTypes(a *app, types []string, now time.Time) {
	size := "Standard-1X"
	switch {
	case w.generation(a) == fir:
		size = "dyno-2c-4gb"
	case a.Space != "":
		size = "Private-S" // also in a Shield Space, where only the CLI displays Shield
	}
	var formation []process
	for _, t := range types {
		if i := slices.IndexFunc(a.Formation, func(p process) bool { return p.Type == t }); i >= 0 {
			formation = append(formation, a.Formation[i])
			continue
		}
		formation = append(formation, process{ID: w.uuid(), Type: t, Command: "bin/" + t, Size: size, Quantity: 1,
			CreatedAt: now, UpdatedAt: now})
	}
	a.Formation = formation
}
