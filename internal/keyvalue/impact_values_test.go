// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package keyvalue_test

import (
	"encoding/json"
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// The values as a record has them, which leaves no field out.
func expectValues(t *testing.T, name string, got keyvalue.ImpactValues, want string) {
	t.Helper()
	text, err := json.Marshal(got)
	if err != nil || string(text) != want {
		t.Errorf("%s:\n%s\nwant\n%s", name, text, want)
	}
}

// values writes down what differs from change to change.
func values(method, data, url, restarts, interruption, irreversible, before, after string) string {
	return `{"method":"` + method + `","data":"` + data + `","url_changes":"` + url + `","restarts":` + restarts + `,"interruption":"` + interruption +
		`","irreversible":` + irreversible + `,"price_before":` + before + `,"price_after":` + after + `,"admits":[],"shuts_out":[]}`
}

func TestStoreChange(t *testing.T) {
	t.Parallel()
	const (
		none = `[]`
		both = `["orders-api","orders-worker"]`
	)
	apps := []string{"orders-api", "orders-worker"}
	type spec = keyvalue.Spec
	on := func(plan keyvalue.PlanName) *spec { return &spec{AppID: "a", Plan: plan, Running: "7.0.15"} }
	to := func(plan keyvalue.PlanName) spec { return spec{AppID: "a", Plan: plan} }
	type change = keyvalue.StoreChange
	for name, test := range map[string]struct {
		change change
		want   string
	}{
		"a new store":                     {change{To: to("shield-7"), OwnerApp: "orders-api"}, values("create", "kept", "no", `["orders-api"]`, "none", "false", "0", "1100")},
		"a new store on a new app":        {change{To: to("premium-4")}, values("create", "kept", "no", "null", "none", "false", "0", "null")},
		"a new store as a copy":           {change{To: to("premium-0"), Fork: true, OwnerApp: "x"}, values("create", "copied", "no", `["x"]`, "none", "false", "0", "15")},
		"protection is switched off":      {change{From: on("shield-7"), To: to("shield-7")}, values("terraform_only", "kept", "no", none, "none", "false", "1100", "1100")},
		"a setting":                       {change{From: on("shield-7"), To: to("shield-7"), Settings: true, Apps: apps}, values("settings", "kept", "no", none, "none", "false", "1100", "1100")},
		"a rename, with a setting":        {change{From: on("premium-0"), To: to("premium-0"), Settings: true, Renamed: true, Apps: apps}, values("rename", "kept", "no", none, "none", "false", "15", "15")},
		"another first attachment":        {change{From: on("premium-0"), To: to("premium-0"), Reattached: true, OwnerApp: "orders-api", Apps: apps}, values("re_point", "kept", "yes", `["orders-api"]`, "brief", "false", "15", "15")},
		"shield-7 to shield-9":            {change{From: on("shield-7"), To: to("shield-9"), Apps: apps}, values("plan_in_place", "writes_at_risk", "possible", both, "brief", "false", "1100", "2100")},
		"the apps may not be read":        {change{From: on("shield-7"), To: to("shield-9")}, values("plan_in_place", "writes_at_risk", "possible", "null", "brief", "false", "1100", "2100")},
		"no app is attached":              {change{From: on("shield-7"), To: to("shield-9"), Apps: []string{}}, values("plan_in_place", "writes_at_risk", "possible", none, "brief", "false", "1100", "2100")},
		"a plan that nobody published":    {change{From: on("private-3"), To: to("private-7"), Apps: apps}, values("plan_in_place", "writes_at_risk", "possible", both, "brief", "false", "null", "900")},
		"premium-0 to mini":               {change{From: on("premium-0"), To: to("mini"), Apps: apps}, values("plan_in_place", "lost", "possible", both, "brief", "false", "15", "3")},
		"mini to premium-0":               {change{From: on("mini"), To: to("premium-0"), Apps: apps}, values("plan_in_place", "lost", "possible", both, "brief", "false", "3", "15")},
		"a plan and a version and a name": {change{From: on("shield-7"), To: spec{AppID: "a", Plan: "shield-9", Version: "7.2"}, Renamed: true, Apps: apps}, values("plan_in_place", "writes_at_risk", "possible", both, "brief", "true", "1100", "2100")},
		"a version":                       {change{From: on("shield-7"), To: spec{AppID: "a", Plan: "shield-7", Version: "7.2"}, Apps: apps}, values("version_upgrade", "writes_at_risk", "possible", both, "brief", "true", "1100", "1100")},
		"a version of a mini":             {change{From: on("mini"), To: spec{AppID: "a", Plan: "mini", Version: "7.2"}, Apps: apps}, values("version_upgrade", "lost", "possible", both, "brief", "true", "3", "3")},
		"a version that runs":             {change{From: on("shield-7"), To: spec{AppID: "a", Plan: "shield-7", Version: "7.0"}, Apps: apps}, values("terraform_only", "kept", "no", none, "none", "false", "1100", "1100")},
		"premium to private":              {change{From: on("premium-7"), To: to("private-7"), Apps: apps}, values("replacement_by_fork", "writes_at_risk", "yes", both, "brief", "false", "750", "900")},
		"premium to private, kept still":  {change{From: on("premium-7"), To: to("private-7"), Still: true, Apps: apps}, values("replacement_by_fork", "copied", "yes", both, "while_copied", "false", "750", "900")},
		"premium to private, both kept":   {change{From: on("premium-7"), To: to("private-7"), KeepsOld: true, Apps: apps}, values("replacement_by_fork", "writes_at_risk", "yes", both, "brief", "false", "750", "1650")},
		"both kept, one without a price":  {change{From: on("premium-4"), To: to("private-7"), KeepsOld: true, Apps: apps}, values("replacement_by_fork", "writes_at_risk", "yes", both, "brief", "false", "null", "null")},
		"to a smaller private plan":       {change{From: on("premium-14"), To: to("private-7"), Still: true, Apps: apps}, values("replacement_by_fork", "lost", "yes", both, "while_copied", "false", "12500", "900")},
		"shield to private":               {change{From: on("shield-7"), To: to("private-7"), Apps: apps}, values("replacement_by_fork", "writes_at_risk", "yes", both, "brief", "true", "1100", "900")},
		"another app":                     {change{From: on("premium-0"), To: spec{AppID: "b", Plan: "premium-0"}, Apps: apps}, values("replacement_by_fork", "writes_at_risk", "yes", both, "brief", "false", "15", "15")},
		"recreated":                       {change{From: on("premium-0"), To: spec{AppID: "b", Plan: "premium-0"}, Recreate: true, Apps: apps}, values("replacement_empty", "lost", "yes", both, "brief", "true", "15", "15")},
		"premium to shield, recreated":    {change{From: on("premium-7"), To: to("shield-7"), Recreate: true, KeepsOld: true, Apps: apps}, values("replacement_empty", "lost", "yes", both, "brief", "true", "750", "1850")},
		"in place, with terms for a fork": {change{From: on("premium-0"), To: to("premium-1"), Recreate: true, Still: true, KeepsOld: true, Apps: apps}, values("plan_in_place", "writes_at_risk", "possible", both, "brief", "false", "15", "30")},
	} {
		expectValues(t, name, test.change.Values(), test.want)
	}
	expectValues(t, "destroyed", keyvalue.StoreDestroyed("shield-7", apps), values("destroy", "lost", "yes", both, "lasting", "true", "1100", "0"))
}

// Whatever changes, the values agree with the impact that is told to people, and nothing is left out.
func TestStoreChange_eachPairOfPlans(t *testing.T) {
	t.Parallel()
	for _, from := range keyvalue.Plans() {
		for _, to := range keyvalue.Plans() {
			spec, next := keyvalue.Spec{AppID: "a", Plan: from.Name}, keyvalue.Spec{AppID: "a", Plan: to.Name}
			v := keyvalue.StoreChange{From: &spec, To: next, Apps: []string{"x"}}.Values()
			c := keyvalue.Impact(spec, next)
			if changed := c.Method != keyvalue.NoChange; changed != (len(v.Restarts) == 1) || changed != (v.Data != keyvalue.DataKept) || changed != (v.URLChanges != keyvalue.No) {
				t.Errorf("%s to %s: %+v", from.Name, to.Name, v)
			}
			if c.DataMayBeLost && v.Data != keyvalue.DataLost || c.Irreversible && !v.Irreversible {
				t.Errorf("%s to %s: worse than said: %+v", from.Name, to.Name, v)
			}
			if (v.PriceBefore == nil) != (from.MonthlyPriceCents == nil) || (v.PriceAfter == nil) != (to.MonthlyPriceCents == nil) {
				t.Errorf("%s to %s: the prices are %v and %v", from.Name, to.Name, v.PriceBefore, v.PriceAfter)
			}
		}
	}
}

func TestAttachmentChange(t *testing.T) {
	t.Parallel()
	type change = keyvalue.AttachmentChange
	for name, test := range map[string]struct {
		change change
		want   string
	}{
		"attached":                    {change{Created: true, App: "a"}, values("create", "kept", "no", `["a"]`, "brief", "false", "0", "0")},
		"attached to a new app":       {change{Created: true}, values("create", "kept", "no", "null", "brief", "false", "0", "0")},
		"detached":                    {change{Destroyed: true, App: "a"}, values("destroy", "kept", "yes", `["a"]`, "brief", "false", "0", "0")},
		"re-pointed":                  {change{OtherStore: true, App: "a", FormerApp: "a"}, values("re_point", "kept", "yes", `["a"]`, "brief", "false", "0", "0")},
		"moved to another app":        {change{OtherPlace: true, App: "b", FormerApp: "a"}, values("re_point", "kept", "yes", `["b","a"]`, "brief", "false", "0", "0")},
		"moved to one that is unread": {change{OtherPlace: true, FormerApp: "a"}, values("re_point", "kept", "yes", "null", "brief", "false", "0", "0")},
		"consent alone":               {change{App: "a", FormerApp: "a"}, values("terraform_only", "kept", "no", "[]", "none", "false", "0", "0")},
	} {
		expectValues(t, name, test.change.Values(), test.want)
	}
}

func TestRangesChange(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		from, to                 []string
		method, admits, shutsOut string
	}{
		"added":                            {[]string{"192.0.2.0/24"}, []string{"198.51.100.0/24", "192.0.2.0/24"}, "ranges", `["198.51.100.0/24"]`, `[]`},
		"removed":                          {[]string{"192.0.2.0/24", "198.51.100.0/24"}, []string{"192.0.2.0/24"}, "ranges", `[]`, `["198.51.100.0/24"]`},
		"exchanged":                        {[]string{"192.0.2.0/24"}, []string{"198.51.100.0/24"}, "ranges", `["198.51.100.0/24"]`, `["192.0.2.0/24"]`},
		"opened":                           {[]string{"192.0.2.0/24"}, []string{"0.0.0.0/0"}, "ranges", `["0.0.0.0/0"]`, `[]`},
		"opened in two halves":             {[]string{"192.0.2.0/24"}, []string{"128.0.0.0/1", "0.0.0.0/1"}, "ranges", `["0.0.0.0/1","128.0.0.0/1"]`, `[]`},
		"closed":                           {[]string{"0.0.0.0/0"}, []string{"192.0.2.0/24"}, "ranges", `[]`, `["0.0.0.0/0"]`},
		"emptied":                          {[]string{"192.0.2.0/24"}, []string{}, "ranges", `[]`, `["192.0.2.0/24"]`},
		"two halves are the whole":         {[]string{"0.0.0.0/0"}, []string{"128.0.0.0/1", "0.0.0.0/1"}, "ranges", `[]`, `[]`},
		"four parts are the whole":         {[]string{"10.0.0.0/30"}, []string{"10.0.0.0/32", "10.0.0.1/32", "10.0.0.2/32", "10.0.0.3/32"}, "ranges", `[]`, `[]`},
		"three parts are not":              {[]string{"10.0.0.0/30"}, []string{"10.0.0.0/32", "10.0.0.1/32", "10.0.0.3/32"}, "ranges", `[]`, `["10.0.0.0/30"]`},
		"a wider one around it":            {[]string{"192.0.2.0/25"}, []string{"192.0.2.0/24"}, "ranges", `["192.0.2.0/24"]`, `[]`},
		"descriptions alone":               {[]string{"192.0.2.0/24"}, []string{"192.0.2.0/24"}, "terraform_only", `[]`, `[]`},
		"the same range, written anew":     {[]string{"192.0.2.7/24"}, []string{"192.0.2.0/24"}, "terraform_only", `[]`, `[]`},
		"what is in force is not known":    {nil, []string{"192.0.2.0/24"}, "ranges", `["192.0.2.0/24"]`, `null`},
		"what is to be trusted is not":     {[]string{"192.0.2.0/24"}, nil, "ranges", `null`, `["192.0.2.0/24"]`},
		"a range that cannot be read":      {[]string{"nonsense"}, []string{"192.0.2.0/24"}, "ranges", `["192.0.2.0/24"]`, `["nonsense"]`},
		"IPv6, which Heroku does not take": {[]string{"2001:db8::/32"}, []string{"2001:db8::/33", "2001:db8:8000::/33"}, "ranges", `[]`, `["2001:db8::/32"]`},
		"a range within one that is kept":  {[]string{"192.0.2.0/24", "192.0.2.0/25"}, []string{"192.0.2.0/24"}, "ranges", `[]`, `[]`},
	} {
		want := `{"method":"` + test.method + `","data":"kept","url_changes":"no","restarts":[],"interruption":"none","irreversible":false,` +
			`"price_before":0,"price_after":0,"admits":` + test.admits + `,"shuts_out":` + test.shutsOut + `}`
		expectValues(t, name, keyvalue.RangesChange{From: test.from, To: test.to}.Values(), want)
	}
}

func TestSpaceAppAndWindowChange(t *testing.T) {
	t.Parallel()
	type (
		space = keyvalue.SpaceChange
		app   = keyvalue.AppChange
	)
	for name, test := range map[string]struct {
		got  keyvalue.ImpactValues
		want string
	}{
		"a new space":              {space{Created: true}.Values(), values("create", "kept", "no", "[]", "none", "false", "0", "null")},
		"no space any more":        {space{Destroyed: true}.Values(), values("destroy", "kept", "no", "[]", "none", "true", "null", "0")},
		"a transfer with a rename": {space{Transferred: true, Renamed: true}.Values(), values("transfer", "kept", "no", "[]", "none", "false", "null", "null")},
		"a renamed space":          {space{Renamed: true, LogDrain: true}.Values(), values("rename", "kept", "no", "[]", "none", "false", "null", "null")},
		"a log drain":              {space{LogDrain: true}.Values(), values("settings", "kept", "no", "[]", "none", "false", "null", "null")},
		"protection of a space":    {space{}.Values(), values("terraform_only", "kept", "no", "[]", "none", "false", "null", "null")},
		"a new app":                {app{Created: true, MaintenanceOn: true}.Values(), values("create", "kept", "no", "[]", "none", "false", "null", "null")},
		"no app any more":          {app{Destroyed: true}.Values(), values("destroy", "kept", "yes", "[]", "lasting", "true", "null", "null")},
		"a transferred app":        {app{Transferred: true}.Values(), values("transfer", "kept", "no", "[]", "none", "false", "null", "null")},
		"a renamed app":            {app{Renamed: true}.Values(), values("rename", "kept", "yes", "[]", "none", "false", "null", "null")},
		"a transfer in a pause":    {app{Transferred: true, Renamed: true, MaintenanceOn: true}.Values(), values("transfer", "kept", "yes", "[]", "lasting", "false", "null", "null")},
		"maintenance on":           {app{MaintenanceOn: true}.Values(), values("maintenance", "kept", "no", "[]", "lasting", "false", "null", "null")},
		"maintenance off":          {app{MaintenanceOff: true}.Values(), values("maintenance", "kept", "no", "[]", "none", "false", "null", "null")},
		"nothing at Heroku":        {app{}.Values(), values("terraform_only", "kept", "no", "[]", "none", "false", "null", "null")},
		"a window":                 {keyvalue.WindowChange(), values("window", "kept", "no", "[]", "none", "false", "0", "0")},
	} {
		expectValues(t, name, test.got, test.want)
	}
}
