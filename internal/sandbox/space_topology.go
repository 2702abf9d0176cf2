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

type topologyDyno struct {
	ID        string `json:"id"`
	Number    int    `json:"number"`
	PrivateIP string `json:"private_ip"`
	Hostname  string `json:"hostname"`
}

func (sp *space) topologyDyno(a *app, p process, n int) topologyDyno {
	network := netip.MustParsePrefix(sp.CIDR).Addr().As4()
	sum := sha1.Sum(fmt.Appendf(nil, "%s %d", p.ID, n))
	return topologyDyno{
		ID:        p.dynoID(n),
		Number:    n,
		PrivateIP: netip.AddrFrom4([4]byte{network[0], network[1], sum[0], sum[1]}).String(),
		Hostname:  fmt.Sprintf("%d.%s.%s.app.localspace", n, p.Type, a.Name),
	}
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
			for n := range p.Quantity {
				f.Dynos = append(f.Dynos, sp.topologyDyno(a, p, n+1))
			}
			app.Formations = append(app.Formations, f)
		}
		b.Apps = append(b.Apps, app)
	}
	return http.StatusOK, b, nil
}
