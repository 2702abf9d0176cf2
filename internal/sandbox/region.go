// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"cmp"
	"slices"
)

type region struct {
	name, locale, country, provider string
	private                         bool
	id                              string // Heroku's id, if it is known
	description                     string // default: locale and country
}

// regions are the regions in the Platform API reference and in Dev Center: Private Spaces.
var regions = []region{
	{name: "us", locale: "Virginia", country: "United States", provider: "us-east-1", description: "United States",
		id: "59accabd-516d-4f0e-83e6-6e3757701145"},
	{name: "eu", locale: "Ireland", country: "Ireland", provider: "eu-west-1", description: "Europe",
		id: "ed30241c-ed8c-4bb6-9714-61953675d0b4"},
	{name: "virginia", locale: "Virginia", country: "United States", provider: "us-east-1", private: true,
		id: "3544427c-5b3b-4e1e-b01a-b66362573b26"},
	{name: "oregon", locale: "Oregon", country: "United States", provider: "us-west-2", private: true},
	{name: "dublin", locale: "Dublin", country: "Ireland", provider: "eu-west-1", private: true},
	{name: "frankfurt", locale: "Frankfurt", country: "Germany", provider: "eu-central-1", private: true},
	{name: "london", locale: "London", country: "United Kingdom", provider: "eu-west-2", private: true},
	{name: "montreal", locale: "Montreal", country: "Canada", provider: "ca-central-1", private: true},
	{name: "mumbai", locale: "Mumbai", country: "India", provider: "ap-south-1", private: true},
	{name: "singapore", locale: "Singapore", country: "Singapore", provider: "ap-southeast-1", private: true,
		description: "Singapore"},
	{name: "sydney", locale: "Sydney", country: "Australia", provider: "ap-southeast-2", private: true},
	{name: "tokyo", locale: "Tokyo", country: "Japan", provider: "ap-northeast-1", private: true, id: "478864c7-3c1a-4fbd-992b-7c6160abfb71"},
}

func (r region) idName() idName { return idName{cmp.Or(r.id, catalogueID("region "+r.name)), r.name} }

// lookUpRegion finds a region by id or name.
func lookUpRegion(ref string) (region, bool) {
	i := slices.IndexFunc(regions, func(r region) bool { return ref == r.name || ref == r.idName().ID })
	if i < 0 {
		return region{}, false
	}
	return regions[i], true
}

func (r region) body() object {
	return object{
		"id": r.idName().ID, "name": r.name, "locale": r.locale, "country": r.country,
		"description":     cmp.Or(r.description, r.locale+", "+r.country),
		"private_capable": r.private, "provider": object{"name": "amazon-web-services", "region": r.provider},
		"created_at": "2014-06-19T18:25:12Z", "updated_at": "2016-08-09T22:03:28Z",
	}
}

func listRegions(*call) (any, error) { return listAll(regions, region.body, "id", "name"), nil }

func pathRegion(c *call) (region, error) {
	r, ok := lookUpRegion(c.PathValue("region"))
	if !ok {
		return r, notFound("region", "region")
	}
	return r, nil
}

func getRegion(_ *call, r region) object { return r.body() }
