// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku

import (
	"context"
	"errors"
)

// Region is a region of Heroku (Platform API reference, regions).
type Region struct {
	ID             string
	Name           string
	Country        string
	Locale         string
	Description    string
	PrivateCapable bool   // can hold Private Spaces
	Provider       string // "amazon-web-services"
	ProviderRegion string // "us-east-1"
}

type wireRegion struct {
	ID             text `json:"id"`
	Name           text `json:"name"`
	Country        text `json:"country"`
	Locale         text `json:"locale"`
	Description    text `json:"description"`
	PrivateCapable flag `json:"private_capable"`
	Provider       *struct {
		Name   text `json:"name"`
		Region text `json:"region"`
	} `json:"provider"`
}

func (w wireRegion) value() (Region, error) {
	if w.Name == "" {
		return Region{}, missing("region name")
	}
	region := Region{
		ID:             string(w.ID),
		Name:           string(w.Name),
		Country:        string(w.Country),
		Locale:         string(w.Locale),
		Description:    string(w.Description),
		PrivateCapable: bool(w.PrivateCapable),
	}
	if w.Provider != nil {
		region.Provider, region.ProviderRegion = string(w.Provider.Name), string(w.Provider.Region)
	}
	return region, nil
}

// Regions lists the regions of the Common Runtime and of Private Spaces.
func (c *Client) Regions(ctx context.Context) ([]Region, error) {
	return list(ctx, c, c.get("regions"), decodeMany[wireRegion], func(r Region) string { return r.Name })
}

// RateLimit returns how many requests the account has left. It does not count against the limit, and so is a good way to find
// out whether the credential is accepted.
func (c *Client) RateLimit(ctx context.Context) (remaining int, err error) {
	remaining, _, err = exchange(ctx, c, c.get("account", "rate-limits"), func(body []byte) (int, error) {
		limits, err := decode[struct {
			Remaining number `json:"remaining"`
		}](body)
		if err != nil {
			return 0, err
		}
		if limits.Remaining.value == nil {
			return 0, errors.New("it has no number of remaining requests")
		}
		return *limits.Remaining.value, nil
	})
	return remaining, err
}
