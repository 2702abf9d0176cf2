// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"crypto/sha1"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
)

// dyno of an app in a space. None runs here: they are those that the formation asks for.
type dyno struct {
	ID, PrivateIP, Hostname string
	Number                  int
}

func (sp *space) dynos(a *app, p process) []dyno {
	network := netip.MustParsePrefix(sp.CIDR).Addr().As4()
	var all []dyno
	for n := 1; n <= p.Quantity; n++ {
		sum := sha1.Sum(fmt.Appendf(nil, "%s %d", p.ID, n))
		all = append(all, dyno{
			ID:        catalogueID(fmt.Sprintf("dyno %s %d", p.ID, n)),
			PrivateIP: netip.AddrFrom4([4]byte{network[0], network[1], sum[0], sum[1]}).String(),
			Hostname:  fmt.Sprintf("%d.%s.%s.app.localspace", n, p.Type, a.Name),
			Number:    n,
		})
	}
	return all
}

type topologyDyno struct {
	ID        string `json:"id"`
	Number    int    `json:"number"`
	PrivateIP string `json:"private_ip"`
	Hostname  string `json:"hostname"`
}

type topologyFormation struct {
	ID          string         `json:"id"`
	ProcessType string         `json:"process_type"`
	Dynos       []topologyDyno `json:"dynos"`
}

type topologyApp struct {
	ID         string              `json:"id"`
	Domains    []string            `json:"domains"`
	Formations []topologyFormation `json:"formations"`
}

type topologyBody struct {
	Version int           `json:"version"`
	Apps    []topologyApp `json:"apps"`
}

func getSpaceTopology(c *call) (int, any, error) {
	sp, err := c.space(c.PathValue("space"))
	if err != nil {
		return 0, nil, err
	}
	b := topologyBody{Version: 1, Apps: []topologyApp{}}
	for _, a := range c.w.appsIn(sp) {
		web, err := url.Parse(a.WebURL)
		if err != nil {
			return 0, nil, err
		}
		app := topologyApp{ID: a.ID, Domains: []string{web.Host}, Formations: []topologyFormation{}}
		for _, p := range a.Formation {
			f := topologyFormation{ID: p.ID, ProcessType: p.Type, Dynos: []topologyDyno{}}
			for _, d := range sp.dynos(a, p) {
				f.Dynos = append(f.Dynos, topologyDyno{ID: d.ID, Number: d.Number, PrivateIP: d.PrivateIP, Hostname: d.Hostname})
			}
			app.Formations = append(app.Formations, f)
		}
		b.Apps = append(b.Apps, app)
	}
	return http.StatusOK, b, nil
}

type dynoBody struct {
	Command   string `json:"command"`
	CreatedAt string `json:"created_at"`
	ID        string `json:"id"`
	Name      string `json:"name"`
	Size      string `json:"size"`
	State     string `json:"state"`
	Type      string `json:"type"`
	UpdatedAt string `json:"updated_at"`
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
		b := appDynosBody{AppID: a.ID, AppName: a.Name, Dynos: []dynoBody{}}
		for _, p := range a.Formation {
			for _, d := range sp.dynos(a, p) {
				b.Dynos = append(b.Dynos, dynoBody{
					Command:   p.Command,
					CreatedAt: stamp(p.CreatedAt),
					ID:        d.ID,
					Name:      fmt.Sprintf("%s.%d", p.Type, d.Number),
					Size:      p.Size,
					State:     "up",
					Type:      p.Type,
					UpdatedAt: stamp(p.UpdatedAt),
				})
			}
		}
		bodies = append(bodies, b)
	}
	return http.StatusOK, bodies, nil
}
