// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package changecontrol_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/changecontrol"
)

// control returns a Control for a valid configuration.
func control(t *testing.T, c changecontrol.Config) *changecontrol.Control {
	t.Helper()
	made, problems := changecontrol.New(c)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return made
}

func at(t *testing.T, s string) time.Time {
	t.Helper()
	moment, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return moment
}

func TestNew_badInput(t *testing.T) {
	t.Parallel()
	type freezes = []changecontrol.FreezeConfig
	for name, test := range map[string]struct {
		config changecontrol.Config
		want   []string // for each problem the attribute, the freeze and a part of the text
	}{
		"nothing": {changecontrol.Config{}, nil},
		"everything": {changecontrol.Config{Reference: "CHG0000001", ReferencePattern: "^CHG[0-9]{7}$", AppliesTo: "private",
			Emergency: true}, nil},
		// The reference is only checked for governed changes.
		"a reference that does not fit": {changecontrol.Config{Reference: "none", ReferencePattern: "^CHG[0-9]{7}$"}, nil},
		"a pattern that is none": {changecontrol.Config{ReferencePattern: "CHG[0-9"},
			[]string{`reference_pattern -1 "CHG[0-9" is not a regular expression`}},
		"a pattern with one bracket":   {changecontrol.Config{ReferencePattern: "a)(b"}, []string{"reference_pattern -1 "}},
		"a pattern of another dialect": {changecontrol.Config{ReferencePattern: "(?=CHG)"}, []string{"reference_pattern -1 "}},
		"another scope": {changecontrol.Config{AppliesTo: "Shield"},
			[]string{`applies_to -1 "Shield" names no group of objects: write "shield"`}},
		"freezes one after the other": {changecontrol.Config{Freezes: freezes{
			{From: "2027-01-01T00:00:00Z", To: "2027-01-02T00:00:00Z"}, {From: "2026-12-01T00:00:00Z", To: "2027-01-01T00:00:00Z"},
		}}, nil},
		"times that are none": {
			changecontrol.Config{Freezes: freezes{{From: "2026-12-18", To: ""}}},
			[]string{`from 0 "2026-12-18" is not a time: write it as RFC 3339`, `to 0 "" is not a time`},
		},
		"a freeze that ends before it begins": {
			changecontrol.Config{Freezes: freezes{{From: "2026-12-18T00:00:00Z", To: "2026-12-17T23:59:59Z"}}},
			[]string{"to 0 the freeze ends at 2026-12-17T23:59:59Z and begins at 2026-12-18T00:00:00Z"},
		},
		"a freeze without length": {
			changecontrol.Config{Freezes: freezes{{From: "2026-12-18T00:00:00Z", To: "2026-12-18T01:00:00+01:00"}}},
			[]string{"to 0 the freeze ends"},
		},
		"two that overlap, in another order and time zone": {
			changecontrol.Config{Freezes: freezes{
				{From: "2026-12-18T00:00:00Z", To: "2026-12-20T00:00:00Z"}, {From: "2026-11-01T00:00:00Z", To: "2026-12-18T01:30:00+01:00"},
			}},
			[]string{"from 1 the freeze from 2026-11-01T00:00:00Z to 2026-12-18T01:30:00+01:00 overlaps the one from 2026-12-18T00:00:00Z"},
		},
		"one within another, and one that is the same": {
			changecontrol.Config{Freezes: freezes{
				{From: "2026-01-01T00:00:00Z", To: "2026-12-31T00:00:00Z"}, {From: "2026-02-01T00:00:00Z", To: "2026-02-02T00:00:00Z"},
				{From: "2026-01-01T00:00:00Z", To: "2026-12-31T00:00:00Z"},
			}},
			[]string{"from 1 the freeze", "from 2 the freeze"},
		},
		"all of it": {
			changecontrol.Config{ReferencePattern: "[", AppliesTo: "some", Freezes: freezes{{From: "x", To: "2026-12-17T23:59:59Z"}}},
			[]string{"reference_pattern -1", "applies_to -1", "from 0"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			made, problems := changecontrol.New(test.config)
			if (made == nil) != (len(problems) > 0) || len(problems) != len(test.want) {
				t.Fatalf("%v, want %d problems", problems, len(test.want))
			}
			for i, p := range problems {
				if got := fmt.Sprintf("%s %d %s", p.Attribute, p.Freeze, p.Text); !strings.Contains(got, test.want[i]) {
					t.Errorf("%s, want %q", got, test.want[i])
				}
			}
		})
	}
}

const (
	common  = changecontrol.NetworkCommon
	private = changecontrol.NetworkPrivate
	shield  = changecontrol.NetworkShield
	unknown = changecontrol.NetworkUnknown
)

func TestGoverns(t *testing.T) {
	t.Parallel()
	type networks = []changecontrol.Network
	for _, test := range []struct {
		name        string
		networks    networks
		plan, apply string // the scopes that govern it
	}{
		{"a store in the Common Runtime", networks{common}, "all", "all"},
		{"a Private Space", networks{private}, "private all", "private all"},
		{"a premium store of an app in a Private Space", networks{private, common}, "private all", "private all"},
		{"a Shield Space", networks{shield}, "shield private all", "shield private all"},
		{"an app that leaves a Shield Space", networks{shield, common}, "shield private all", "shield private all"},
		{"an app that comes into one", networks{common, shield}, "shield private all", "shield private all"},
		{"a new app in a space that is not known yet", networks{unknown}, "all", "shield private all"},
		{"nothing is known", nil, "all", "shield private all"},
		{"a private store of an app that is not known yet", networks{private, unknown}, "private all", "shield private all"},
		{"a shield store of an app that is not known yet", networks{shield, unknown}, "shield private all", "shield private all"},
	} {
		for _, scope := range []string{"shield", "private", "all"} {
			c := control(t, changecontrol.Config{AppliesTo: scope})
			for phase, scopes := range map[changecontrol.Phase]string{changecontrol.Planning: test.plan, changecontrol.Applying: test.apply} {
				ch := changecontrol.Change{Networks: test.networks}
				want := strings.Contains(" "+scopes+" ", " "+scope+" ")
				if got := c.Governs(ch, phase); got != want {
					t.Errorf("%s, %s, phase %d: governed %t, want %t", test.name, scope, phase, got, want)
				}
				if refused := len(c.Judge(ch, phase, at(t, "2026-01-01T00:00:00Z"))) > 0; refused != want {
					t.Errorf("%s, %s, phase %d: refused without a reference %t, want %t", test.name, scope, phase, refused, want)
				}
			}
		}
	}
	var none *changecontrol.Control
	if shielded := (changecontrol.Change{Networks: networks{shield}}); none.Governs(shielded, changecontrol.Applying) ||
		none.Judge(shielded, changecontrol.Applying, at(t, "2026-01-01T00:00:00Z")) != nil {
		t.Error("something is governed without any change control")
	}
	if !control(t, changecontrol.Config{}).Governs(changecontrol.Change{Networks: networks{shield}}, changecontrol.Planning) {
		t.Error("shield is not the default")
	}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	const (
		before, first, during, last, after = "2026-12-17T23:59:59Z", "2026-12-18T00:00:00Z", "2026-12-24T12:00:00+01:00", "2027-01-04T07:59:59Z",
			"2027-01-04T08:00:00Z"
		good = "CHG0000001"
	)
	type rules = []changecontrol.Rule
	planned := func(s string) *string { return &s }
	for _, test := range []struct {
		name      string
		reference string
		unknown   bool
		emergency bool
		planned   *string
		now       string
		plan      rules
		apply     rules
		says      string
	}{
		{name: "a reference, and no freeze", reference: good, now: before},
		{name: "the same reference as planned", reference: good, planned: planned(good), now: after},
		{name: "no reference", now: before, plan: rules{changecontrol.NoReference}, apply: rules{changecontrol.NoReference},
			says: "KVS_CHANGE_REFERENCE to one that matches reference_pattern (^CHG[0-9]{7}$)."},
		{name: "an unknown reference", unknown: true, now: before, apply: rules{changecontrol.NoReference}},
		{name: "an unknown reference in a freeze", unknown: true, now: during, plan: rules{changecontrol.InFreeze},
			apply: rules{changecontrol.NoReference, changecontrol.InFreeze}},
		{name: "a reference that does not fit", reference: "CHG12", now: before, plan: rules{changecontrol.InvalidReference},
			apply: rules{changecontrol.InvalidReference}, says: `"CHG12" does not match reference_pattern`},
		{name: "a reference that only holds one", reference: "see CHG0000001", now: before, plan: rules{changecontrol.InvalidReference},
			apply: rules{changecontrol.InvalidReference}},
		{name: "two references", reference: "CHG0000001\nCHG0000002", now: before, plan: rules{changecontrol.InvalidReference},
			apply: rules{changecontrol.InvalidReference}, says: "cannot be printed"},
		{name: "a line end behind it", reference: "CHG0000001\n", now: before, plan: rules{changecontrol.InvalidReference},
			apply: rules{changecontrol.InvalidReference}, says: "ends with a space"},
		{name: "a long reference", reference: strings.Repeat("x", 201), now: before, plan: rules{changecontrol.InvalidReference},
			apply: rules{changecontrol.InvalidReference}, says: "longer than 200 bytes"},
		{name: "another reference than planned", reference: good, planned: planned("CHG0000002"), now: before,
			plan: rules{changecontrol.OtherReference}, apply: rules{changecontrol.OtherReference},
			says: `under the reference "CHG0000002", and is applied under "CHG0000001"`},
		{name: "the first moment of a freeze", reference: good, now: first, plan: rules{changecontrol.InFreeze},
			apply: rules{changecontrol.InFreeze}, says: "from 2026-12-18T00:00:00Z to 2027-01-04T08:00:00Z (year-end close)."},
		{name: "in a freeze", reference: good, now: during, plan: rules{changecontrol.InFreeze}, apply: rules{changecontrol.InFreeze},
			says: "emergency = true"},
		{name: "its last second", reference: good, now: last, plan: rules{changecontrol.InFreeze}, apply: rules{changecontrol.InFreeze}},
		{name: "after it", reference: good, now: after},
		{name: "an emergency", reference: good, emergency: true, now: during},
		{name: "an emergency without a reference", emergency: true, now: during, plan: rules{changecontrol.NoReference, changecontrol.InFreeze},
			apply: rules{changecontrol.NoReference, changecontrol.InFreeze}},
		{name: "an emergency under another reference", reference: good, planned: planned("CHG0000002"), emergency: true, now: during,
			plan: rules{changecontrol.OtherReference, changecontrol.InFreeze}, apply: rules{changecontrol.OtherReference, changecontrol.InFreeze}},
	} {
		c := control(t, changecontrol.Config{
			Reference: test.reference, ReferenceUnknown: test.unknown, ReferencePattern: "^CHG[0-9]{7}$", Emergency: test.emergency,
			Freezes: []changecontrol.FreezeConfig{{From: first, To: after, Reason: "year-end close"}},
		})
		if test.name == "a long reference" {
			c = control(t, changecontrol.Config{Reference: test.reference})
		}
		ch := changecontrol.Change{
			Object: changecontrol.Object{Kind: "kvs_instance", ID: "7c4e", Name: "acme-cache"}, Networks: []changecontrol.Network{shield},
			Planned: test.planned,
		}
		for phase, want := range map[changecontrol.Phase]rules{changecontrol.Planning: test.plan, changecontrol.Applying: test.apply} {
			refusals := c.Judge(ch, phase, at(t, test.now))
			var got rules
			for _, r := range refusals {
				got = append(got, r.Rule)
				if r.Object != ch.Object || !strings.HasSuffix(r.Reason, ".") || !strings.HasSuffix(r.Remedy, ".") {
					t.Errorf("%s: incomplete: %+v", test.name, r)
				}
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%s, phase %d: %v, want %v", test.name, phase, got, want)
			}
			if len(refusals) > 0 && !strings.Contains(refusals[0].Error(), test.says) {
				t.Errorf("%s: %s, want %q", test.name, refusals[0], test.says)
			}
		}
	}
}

func TestRunFrom(t *testing.T) {
	t.Parallel()
	type environment = map[string]string
	for name, test := range map[string]struct {
		env  environment
		want *changecontrol.Run
	}{
		"no CI": {environment{}, nil},
		"HCP Terraform, started from GitHub Actions": {
			environment{"TFC_RUN_ID": "run-Nzbv", "GITHUB_RUN_ID": "7"}, &changecontrol.Run{System: "hcp_terraform", ID: "run-Nzbv"},
		},
		"GitHub Actions": {
			environment{"GITHUB_RUN_ID": "7", "GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "acme/infra"},
			&changecontrol.Run{System: "github_actions", ID: "7", URL: "https://github.com/acme/infra/actions/runs/7"},
		},
		"GitHub Actions without a repository": {environment{"GITHUB_RUN_ID": "7"}, &changecontrol.Run{System: "github_actions", ID: "7"}},
		"GitLab": {environment{"CI_JOB_URL": "https://gitlab.com/a/b/-/jobs/1"},
			&changecontrol.Run{System: "gitlab", URL: "https://gitlab.com/a/b/-/jobs/1"}},
		"Jenkins, with a password and a token": {
			environment{"BUILD_URL": "https://ci:hunter2@ci.example.com/job/1/?token=hunter3#hunter4"},
			&changecontrol.Run{System: "jenkins", URL: "https://ci.example.com/job/1/"},
		},
		"what is none": {environment{"TFC_RUN_ID": "a\nb", "GITHUB_RUN_ID": strings.Repeat("7", 600), "CI_JOB_URL": "redis://h:p@x",
			"BUILD_URL": "job 7"}, nil},
	} {
		got := changecontrol.RunFrom(func(name string) string { return test.env[name] })
		if (got == nil) != (test.want == nil) || got != nil && *got != *test.want {
			t.Errorf("%s: %+v, want %+v", name, got, test.want)
		}
	}
}
