// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

// capabilities lists the regions in which add-on services are available. All are available in every region, and stores also inside of
// spaces.
func capabilities(of []addOnService, in []region) listing {
	l := listing{fields: []string{"id"}}
	for _, s := range of {
		for _, r := range in {
			l.items = append(l.items, object{
				"id": catalogueID("capability " + s.idName().Name + " " + r.name), "addon_service": s.body, "region": r.body(),
				"supports_private_networking": r.private && s.body.is(service.Name),
			})
		}
	}
	return l
}

func listCapabilities(*call) (any, error) { return capabilities(services, regions), nil }

func listServiceCapabilities(_ *call, s addOnService) (any, error) {
	return capabilities([]addOnService{s}, regions), nil
}

func listRegionCapabilities(_ *call, r region) (any, error) {
	return capabilities(services, []region{r}), nil
}
