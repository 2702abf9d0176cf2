// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// ofTeam is what one of two teams has in its own state: three ranges of the space that both share.
func ofTeam(ranges ...string) string {
	return fmt.Sprintf(`
data "kvs_private_space" "prod" {
  name = "acme-prod"
}

resource "kvs_trusted_ip_range" "ours" {
  for_each = toset(["%s"])
  space_id = data.kvs_private_space.prod.id
  range    = each.key
}
`, strings.Join(ranges, `", "`))
}

func TestAccTrustedIPRange_twoTeams(t *testing.T) {
	t.Parallel()
	for seed := range uint64(1) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			twoTeams(t, seed)
		})
	}
}

func TestLongTrustedIPRange_twoTeams(t *testing.T) {
	t.Parallel()
	for seed := range uint64(50) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			twoTeams(t, seed+100)
		})
	}
}

// twoTeams lets two teams set three ranges each at the same time, from two states, while somebody adds two ranges and removes
// one in the dashboard, which writes back what it has loaded. How long each request of the teams takes, and which answers are lost, follows
// from the seed.
func twoTeams(t *testing.T, seed uint64) {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 7))
	sb, owner := workflow(t, privateSpace())
	owner.Apply()
	dashboard := sb.Client(t)
	mustTrust(t, dashboard, "203.0.113.0/24", "198.18.0.0/24")
	begun := rulesets(t, sb)
	space := mustFindSpace(t, dashboard, "acme-prod").ID
	teams := []*acctest.CLI{
		sb.InRealTime(sb.CLI(t, ofTeam("192.0.2.0/24", "192.0.3.0/24", "192.0.4.0/24"))),
		sb.InRealTime(sb.CLI(t, ofTeam("198.51.100.0/24", "198.51.101.0/24", "198.51.102.0/24"))),
	}
	for n := range 12 {
		effect := sandbox.Effect{Delay: sandbox.Duration(time.Duration(random.IntN(150)) * time.Millisecond)}
		if n%4 == 3 {
			effect.Commit, effect.Reset = true, true
		}
		method := []string{"GET", "PUT"}[n%2]
		nth := 1 + random.IntN(8)
		match := sandbox.Match{Method: method, Path: "/spaces/*/inbound-ruleset*", Agent: "Terraform", Nth: nth}
		sb.Inject(sandbox.Fault{Match: match, Do: effect})
	}
	sb.ResetJournal()
	var wg sync.WaitGroup
	for _, team := range teams {
		wg.Go(func() {
			if done := team.Run("apply", "-auto-approve", "-input=false", "-no-color"); done.Code != 0 {
				t.Errorf("seed %d: %s", seed, done.Output())
			}
		})
	}
	wg.Go(func() {
		sb.Await(t, "GET", "/spaces/.*/inbound-rulesets")
		for _, edit := range []struct{ add, remove string }{{add: "198.19.0.0/24"}, {remove: "198.18.0.0/24"}, {add: "198.19.1.0/24"}} {
			loaded, err := dashboard.TrustedRanges(context.Background(), space)
			if err == nil {
				_ = heroku.RealClock.Sleep(t.Context(), time.Duration(random.IntN(200))*time.Millisecond) // the person looks at the page
				rules := slices.DeleteFunc(loaded.Rules, func(r heroku.Rule) bool { return r.Source == edit.remove })
				if edit.add != "" {
					rules = append(rules, heroku.Rule{Action: "allow", Source: edit.add})
				}
				_, err = dashboard.SetTrustedRanges(context.Background(), space, rules)
			}
			if err != nil {
				t.Error(err)
			}
		}
	})
	wg.Wait()
	sb.Clear()
	expectTrusted(t, sb, "192.0.2.0/24", "192.0.3.0/24", "192.0.4.0/24", "198.51.100.0/24", "198.51.101.0/24", "198.51.102.0/24",
		"203.0.113.0/24", "198.19.0.0/24", "198.19.1.0/24")
	if t.Failed() {
		t.Logf("seed %d: the rulesets, those of one second in any order: %v", seed, rulesets(t, sb))
	}
	for _, set := range rulesets(t, sb)[len(begun):] {
		if slices.Contains(set, "0.0.0.0/0") {
			t.Errorf("seed %d: the space was opened: %v", seed, rulesets(t, sb))
		}
	}
	for _, team := range teams {
		expectSettled(t, team)
	}
}
