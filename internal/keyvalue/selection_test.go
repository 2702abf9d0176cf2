// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package keyvalue_test

import (
	"testing"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

func TestSelection_Selects(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	const app, space = "e3b1a6c2-9d47-4e5f-8a2b-6c7d8e9f0a1b", "0f4d1c5e-58b5-4b2c-8a54-11f4ac02f7aa"
	of := keyvalue.Candidate{
		Team: "acme", AppID: app, AppName: "orders-web", SpaceID: space, SpaceName: "acme-prod", Plan: "premium-0", Attached: true,
	}
	for name, c := range map[string]struct {
		selection keyvalue.Selection
		of        keyvalue.Candidate
		want      bool
	}{
		"nothing is asked for":       {keyvalue.Selection{}, of, true},
		"of nothing either":          {keyvalue.Selection{}, keyvalue.Candidate{}, true},
		"the team":                   {keyvalue.Selection{Team: "acme"}, of, true},
		"the team in upper case":     {keyvalue.Selection{Team: "Acme"}, of, true},
		"another team":               {keyvalue.Selection{Team: "acm"}, of, false},
		"a team, of a person's":      {keyvalue.Selection{Team: "acme"}, keyvalue.Candidate{}, false},
		"the app's name":             {keyvalue.Selection{App: "orders-web"}, of, true},
		"the app's id":               {keyvalue.Selection{App: app}, of, true},
		"another app":                {keyvalue.Selection{App: "orders"}, of, false},
		"the space's name":           {keyvalue.Selection{Space: "acme-prod"}, of, true},
		"the space's id":             {keyvalue.Selection{Space: space}, of, true},
		"the app's id as the space":  {keyvalue.Selection{Space: app}, of, false},
		"a space, of one outside":    {keyvalue.Selection{Space: "acme-prod"}, keyvalue.Candidate{}, false},
		"the plan":                   {keyvalue.Selection{Plan: "premium-0"}, of, true},
		"another plan":               {keyvalue.Selection{Plan: "premium-1"}, of, false},
		"attached":                   {keyvalue.Selection{Unattached: &no}, of, true},
		"attached to nothing":        {keyvalue.Selection{Unattached: &yes}, of, false},
		"attached, and is not":       {keyvalue.Selection{Unattached: &no}, keyvalue.Candidate{}, false},
		"attached to nothing, as is": {keyvalue.Selection{Unattached: &yes}, keyvalue.Candidate{}, true},
		"all of it":                  {keyvalue.Selection{Team: "acme", App: app, Space: space, Plan: "premium-0", Unattached: &no}, of, true},
		"all of it but one":          {keyvalue.Selection{Team: "acme", App: app, Space: space, Plan: "mini", Unattached: &no}, of, false},
	} {
		if got := c.selection.Selects(c.of); got != c.want {
			t.Errorf("%s: %t, want %t", name, got, c.want)
		}
	}
}

func TestSelection_SelectsVersion(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	now := time.Date(2026, time.January, 14, 0, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		selection keyvalue.Selection
		running   keyvalue.Version
		want      bool
	}{
		"nothing is asked for":             {keyvalue.Selection{}, "", true},
		"the version":                      {keyvalue.Selection{Version: "7.2"}, "7.2.4", true},
		"the first number of it":           {keyvalue.Selection{Version: "7"}, "7.2.4", true},
		"the whole of it":                  {keyvalue.Selection{Version: "7.2.4"}, "7.2.4", true},
		"an older one":                     {keyvalue.Selection{Version: "7.0"}, "7.2.4", false},
		"one that begins alike":            {keyvalue.Selection{Version: "7.2"}, "7.20.1", false},
		"one that is not known":            {keyvalue.Selection{Version: "7.2"}, "", false},
		"deprecated":                       {keyvalue.Selection{Deprecated: &yes}, "6.2.14", true},
		"deprecated, and is not":           {keyvalue.Selection{Deprecated: &yes}, "7.2.4", false},
		"not deprecated":                   {keyvalue.Selection{Deprecated: &no}, "7.2.4", true},
		"not deprecated, and is":           {keyvalue.Selection{Deprecated: &no}, "6.2.14", false},
		"not deprecated, and not known":    {keyvalue.Selection{Deprecated: &no}, "", false},
		"its life has ended meanwhile":     {keyvalue.Selection{Deprecated: &yes, Version: "7.0"}, "7.0.15", true},
		"deprecated, of another version":   {keyvalue.Selection{Deprecated: &yes, Version: "7.0"}, "6.2.14", false},
		"one that nobody has announced is": {keyvalue.Selection{Deprecated: &no}, "9.1.0", true},
	} {
		if got := c.selection.SelectsVersion(c.running, now); got != c.want {
			t.Errorf("%s: %t, want %t", name, got, c.want)
		}
	}
}
