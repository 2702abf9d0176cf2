// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"fmt"
	"net/http"
)

// dynoBody is a dyno of the formation. Each is said to be up; no process runs.
type dynoBody struct {
	App       idName       `json:"app"`
	AttachURL *string      `json:"attach_url"`
	Command   string       `json:"command"`
	CreatedAt string       `json:"created_at"`
	ID        string       `json:"id"`
	Name      string       `json:"name"`
	Release   dynosRelease `json:"release"`
	Size      string       `json:"size"`
	State     string       `json:"state"`
	Type      string       `json:"type"`
	UpdatedAt string       `json:"updated_at"`
}

type dynosRelease struct {
	ID      string `json:"id"`
	Version int    `json:"version"`
}

func (p process) dynoID(n int) string { return catalogueID(fmt.Sprintf("dyno %s %d", p.ID, n)) }

// dynos of an app restart at each release.
func dynos(a *app) []dynoBody {
	newest := a.Releases[len(a.Releases)-1]
	all := []dynoBody{}
	for _, p := range a.Formation {
		for n := 1; n <= p.Quantity; n++ {
			all = append(all, dynoBody{
				App:       a.idName(),
				Command:   p.Command,
				CreatedAt: stamp(newest.CreatedAt),
				ID:        p.dynoID(n),
				Name:      fmt.Sprintf("%s.%d", p.Type, n),
				Release:   dynosRelease{newest.ID, newest.Version},
				Size:      p.Size,
				State:     "up",
				Type:      p.Type,
				UpdatedAt: stamp(newest.CreatedAt),
			})
		}
	}
	return all
}

func listDynos(c *call) (int, any, error) {
	a, err := c.app(c.PathValue("app"))
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, dynos(a), nil
}

type appDynosBody struct {
	AppID   string     `json:"app_id"`
	AppName string     `json:"app_name"`
	Dynos   []dynoBody `json:"dynos"`
}

func listSpaceDynos(c *call) (int, any, error) {
	sp, err := c.space(c.PathValue("space"))
	if err != nil {
		return 0, nil, err
	}
	bodies := []appDynosBody{}
	for _, a := range c.w.appsIn(sp) {
		bodies = append(bodies, appDynosBody{AppID: a.ID, AppName: a.Name, Dynos: dynos(a)})
	}
	return http.StatusOK, bodies, nil
}
