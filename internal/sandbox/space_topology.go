// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"crypto/sha1"
	"fmt"
	"net/netip"
	"net/url"
)

func (sp *space) topologyDyno(a *app, p process, n int) object {
	network := netip.MustParsePrefix(sp.CIDR).Addr().As4()
	sum := sha1.Sum(fmt.Appendf(nil, "%s %d", p.ID, n))
	return object{
		"id": p.dynoID(n), "number": n, "hostname": fmt.Sprintf("%d.%s.%s.app.localspace", n, p.Type, a.Name),
		"private_ip": netip.AddrFrom4([4]byte{network[0], network[1], sum[0], sum[1]}).String(),
	}
}

func getSpaceTopology(c *call, sp *space) (any, error) {
	apps := []object{}
	for _, a := range c.w.appsIn(sp) {
		web, err := url.Parse(a.WebURL)
		if err != nil {
			return nil, err
		}
		formations := []object{}
		for _, p := range a.Formation {
			dynos := []object{}
			for n := range p.Quantity {
				dynos = append(dynos, sp.topologyDyno(a, p, n+1))
			}
			formations = append(formations, object{"id": p.ID, "process_type": p.Type, "dynos": dynos})
		}
		// The API's schema has "formation", the Heroku CLI reads "formations".
		apps = append(apps, object{"id": a.ID, "domains": []string{web.Host}, "formation": formations, "formations": formations})
	}
	return object{"version": 1, "apps": apps}, nil
}
