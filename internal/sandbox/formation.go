// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// process is a row of an app's formation: nothing runs, but the app behaves as if it had been deployed.
type process struct {
	ID, Type, Command, Size string
	Quantity                int
	CreatedAt, UpdatedAt    time.Time
}

// dynoSizes of Dev Center: Dyno Types, in the spelling that the API answers with.
var dynoSizes = []string{"Eco", "Basic", "Standard-1X", "Standard-2X",
	"Performance-M", "Performance-L", "Performance-L-RAM", "Performance-XL", "Performance-2XL", "Private-S",
	"Private-M", "Private-L", "Private-L-RAM", "Private-XL", "Private-2XL"}

// maxDynos of one process type (Dev Center: Dyno Types, default scaling limits).
const maxDynos = 10

type processBody struct {
	App       idName `json:"app"`
	Command   string `json:"command"`
	CreatedAt string `json:"created_at"`
	DynoSize  idName `json:"dyno_size"`
	ID        string `json:"id"`
	Quantity  int    `json:"quantity"`
	Size      string `json:"size"`
	Type      string `json:"type"`
	UpdatedAt string `json:"updated_at"`
}

func (b processBody) key(field string) string {
	switch field {
	case "name":
		return b.Type
	case "updated_at":
		return b.UpdatedAt
	}
	return b.ID
}

func newProcessBody(a *app, p process) processBody {
	return processBody{
		App:       a.idName(),
		Command:   p.Command,
		CreatedAt: stamp(p.CreatedAt),
		DynoSize:  idName{catalogueID("dyno size " + p.Size), p.Size},
		ID:        p.ID,
		Quantity:  p.Quantity,
		Size:      p.Size,
		Type:      p.Type,
		UpdatedAt: stamp(p.UpdatedAt),
	}
}

func formation(a *app) listing {
	var bodies []processBody
	for _, p := range a.Formation {
		bodies = append(bodies, newProcessBody(a, p))
	}
	return list(bodies, "id", "name", "updated_at")
}

func listFormation(c *call) (int, any, error) {
	a, err := c.app(c.PathValue("app"))
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, formation(a), nil
}

func (a *app) process(ref string) (*process, error) {
	i := slices.IndexFunc(a.Formation, func(p process) bool { return p.Type == ref || p.ID == ref })
	if i < 0 {
		return nil, notFound("formation", fmt.Sprintf("process type (%s)", ref))
	}
	return &a.Formation[i], nil
}

func getProcess(c *call) (int, any, error) {
	a, err := c.app(c.PathValue("app"))
	if err != nil {
		return 0, nil, err
	}
	p, err := a.process(c.PathValue("process"))
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, newProcessBody(a, *p), nil
}

// quantity is 2, "2", or relative: "+1", "-1".
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

type scaling struct {
	Type     string    `json:"type"`
	Quantity *quantity `json:"quantity"`
	Size     reference `json:"size"`
	DynoSize reference `json:"dyno_size"`
}

func (in scaling) apply(p *process, now time.Time) error {
	size := string(in.DynoSize)
	if size == "" {
		size = string(in.Size)
	}
	if size != "" {
		i := slices.IndexFunc(dynoSizes, func(known string) bool {
			return strings.EqualFold(known, size) || catalogueID("dyno size "+known) == size
		})
		if i < 0 {
			return invalid("No such size as %s. Use one of %s.", size, strings.Join(dynoSizes, ", "))
		}
		size = dynoSizes[i]
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

// checkSizes refuses families of dynos that do not go together (Platform API, captured answer).
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

func updateFormation(c *call) (int, any, error) {
	a, err := c.appToChange(c.PathValue("app"))
	if err != nil {
		return 0, nil, err
	}
	var in struct {
		Updates []scaling `json:"updates"`
	}
	if err := c.params(&in); err != nil {
		return 0, nil, err
	}
	before := slices.Clone(a.Formation)
	for _, update := range in.Updates {
		p, err := a.process(update.Type)
		if err == nil {
			err = update.apply(p, c.now)
		}
		if err != nil {
			a.Formation = before // all or none
			return 0, nil, err
		}
	}
	if err := a.checkSizes(); err != nil {
		a.Formation = before
		return 0, nil, err
	}
	return http.StatusOK, formation(a), nil
}

func updateProcess(c *call) (int, any, error) {
	a, err := c.appToChange(c.PathValue("app"))
	if err != nil {
		return 0, nil, err
	}
	p, err := a.process(c.PathValue("process"))
	if err != nil {
		return 0, nil, err
	}
	var in scaling
	if err := c.params(&in); err != nil {
		return 0, nil, err
	}
	before := *p
	err = in.apply(p, c.now)
	if err == nil {
		err = a.checkSizes()
	}
	if err != nil {
		*p = before
		return 0, nil, err
	}
	return http.StatusOK, newProcessBody(a, *p), nil
}
