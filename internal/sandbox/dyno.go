// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

type dynoSize struct {
	name       string // spelled as in the API's responses
	memory     float64
	compute    int
	cents      int // per month; 0 = no published price
	generation string
}

// dynoSizes are the dyno sizes of Dev Center: Dyno Types.
var dynoSizes = []dynoSize{
	{"Eco", 0.5, 1, 500, cedar}, {"Basic", 0.5, 1, 700, cedar}, {"Standard-1X", 0.5, 1, 2500, cedar}, {"Standard-2X", 1, 2, 5000, cedar},
	{"Performance-M", 2.5, 12, 25000, cedar}, {"Performance-L", 14, 50, 50000, cedar}, {"Performance-L-RAM", 30, 24, 50000, cedar},
	{"Performance-XL", 62, 50, 75000, cedar}, {"Performance-2XL", 126, 100, 150000, cedar},
	{"Private-S", 1, 12, 0, cedar}, {"Private-M", 2.5, 12, 0, cedar}, {"Private-L", 14, 50, 0, cedar},
	{"Private-L-RAM", 30, 24, 0, cedar}, {"Private-XL", 62, 50, 0, cedar}, {"Private-2XL", 126, 100, 0, cedar},
	{"dyno-1c-0.5gb", 0.5, 1, 0, fir}, {"dyno-2c-1gb", 1, 2, 0, fir}, {"dyno-2c-4gb", 4, 2, 0, fir}, {"dyno-4c-8gb", 8, 4, 0, fir},
	{"dyno-4c-16gb", 16, 4, 0, fir}, {"dyno-8c-16gb", 16, 8, 0, fir}, {"dyno-8c-32gb", 32, 8, 0, fir},
}

func (d dynoSize) id() string { return catalogueID("dyno size " + d.name) }

// inSpaces reports whether the size is for apps in spaces, as all sizes of fir are.
func (d dynoSize) inSpaces() bool {
	return d.generation == fir || strings.HasPrefix(d.name, "Private-")
}

func (d dynoSize) body() object {
	b := object{
		"id": d.id(), "name": d.name, "memory": d.memory, "compute": d.compute, "precise_dyno_units": float64(d.compute),
		"architecture": "amd64", "dedicated": d.memory > 1, "private_space_only": d.inSpaces(), "cost": nil,
		"generation": generationID(d.generation),
	}
	if d.cents > 0 {
		b["cost"] = object{"cents": d.cents, "unit": "month"}
	}
	return b
}

// lookUpDynoSize finds a dyno size by id or name, ignoring case.
func lookUpDynoSize(ref string) (dynoSize, bool) {
	i := slices.IndexFunc(dynoSizes, func(d dynoSize) bool { return strings.EqualFold(d.name, ref) || d.id() == ref })
	if i < 0 {
		return dynoSize{}, false
	}
	return dynoSizes[i], true
}

func listDynoSizes(*call) (any, error) { return listAll(dynoSizes, dynoSize.body, "id", "name"), nil }

func getDynoSize(c *call) (any, error) {
	d, ok := lookUpDynoSize(c.PathValue("size"))
	if !ok {
		return nil, notFound("dyno_size", "dyno size")
	}
	return d.body(), nil
}

// allowsDynoSize reports whether an app can have dynos of a size.
func (w *world) allowsDynoSize(a *app, d dynoSize) bool {
	return d.generation == w.generation(a) && d.inSpaces() == (a.Space != "")
}

func listAppDynoSizes(c *call, a *app) (any, error) {
	available := slices.DeleteFunc(slices.Clone(dynoSizes), func(d dynoSize) bool { return !c.w.allowsDynoSize(a, d) })
	return listAll(available, dynoSize.body, "id", "name"), nil
}

func (p process) dynoID(n int) string { return catalogueID(fmt.Sprintf("dyno %s %d", p.ID, n)) }

// dynos lists the dynos of an app, which restart at each release. All have the state up, although no process runs.
func dynos(a *app) []object {
	newest, all := a.Releases[len(a.Releases)-1], []object{}
	for _, p := range a.Formation {
		for n := 1; n <= p.Quantity; n++ {
			started := newest.CreatedAt
			if at := p.Restarted[n]; at.After(started) {
				started = at
			}
			all = append(all, object{
				"id": p.dynoID(n), "name": fmt.Sprintf("%s.%d", p.Type, n), "type": p.Type, "size": p.Size, "command": p.Command,
				"state": "up", "app": a.idName(), "release": object{"id": newest.ID, "version": newest.Version}, "attach_url": nil,
				"created_at": stamp(started), "updated_at": stamp(started),
			})
		}
	}
	return all
}

func listDynos(_ *call, a *app) (any, error) { return listing{[]string{"name", "id"}, dynos(a)}, nil }

func getDyno(c *call, a *app) (any, error) {
	return findObject(dynos(a), c.PathValue("dyno"), "dyno", "dyno")
}

// createDyno always refuses, because a one-off dyno would have to run a process.
func createDyno(*call, *app) (any, error) { return nil, notEnabled("One-off dynos") }

// restartDynos serves restarts and stops of all dynos of an app, of a process type, or of one dyno. A stop is a restart, because Heroku
// starts a stopped dyno of a formation again.
func restartDynos(c *call, a *app) (any, error) {
	if c.PathValue("dyno") != "" {
		if _, err := getDyno(c, a); err != nil {
			return nil, err
		}
	}
	if ref := c.PathValue("process"); ref != "" {
		if _, err := a.process(ref); err != nil {
			return nil, err
		}
	}
	for i := range a.Formation {
		a.Formation[i].restart(c.PathValue("process"), c.PathValue("dyno"), c.now)
	}
	c.status = http.StatusAccepted
	return object{}, nil
}

// restart restarts the dynos that match a process type and the id or name of a dyno; "" matches all.
func (p *process) restart(ofType, dyno string, now time.Time) {
	if ofType != "" && ofType != p.Type && ofType != p.ID {
		return
	}
	for n := 1; n <= p.Quantity; n++ {
		if dyno != "" && dyno != p.dynoID(n) && dyno != fmt.Sprintf("%s.%d", p.Type, n) {
			continue
		}
		if p.Restarted == nil {
			p.Restarted = map[int]time.Time{}
		}
		p.Restarted[n] = now
	}
}

func listSpaceDynos(c *call, sp *space) (any, error) {
	bodies := []object{}
	for _, a := range c.w.appsIn(sp) {
		bodies = append(bodies, object{"app_id": a.ID, "app_name": a.Name, "dynos": dynos(a)})
	}
	return bodies, nil
}
