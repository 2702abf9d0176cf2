// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"encoding/json"
	"net/netip"
	"slices"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// ruleset is an inbound ruleset: the trusted IP ranges that may reach the web processes of a space. It is never changed, but replaced by
// a new ruleset.
type ruleset struct {
	ID, CreatedBy string
	CreatedAt     time.Time
	Applied       bool // the rules are in effect
	Rules         []rule
}

type rule struct {
	Action string `json:"action"`
	Source string `json:"source"`
}

func rulesetBody(sp *space, r ruleset) object {
	return object{
		"id": r.ID, "space": sp.idName(), "rules": append([]rule{}, r.Rules...), "applied": r.Applied,
		"created_at": stamp(r.CreatedAt), "created_by": r.CreatedBy,
	}
}

// networkReady wraps a function that finds a space. It answers 404 unless the space is allocated and Options.RulesetDelay has
// passed since.
func networkReady(find func(*call) (*space, error)) func(*call) (*space, error) {
	return func(c *call) (*space, error) {
		sp, err := find(c)
		if err == nil && (sp.State != stateAllocated || c.now.Before(sp.AllocatedAt.Add(c.s.options.RulesetDelay))) {
			err = notFound("space", "space")
		}
		return sp, err
	}
}

func getRuleset(_ *call, sp *space) object { return rulesetBody(sp, sp.Rulesets[len(sp.Rulesets)-1]) }

func listRulesets(_ *call, sp *space) (any, error) {
	return listAll(sp.Rulesets, func(r ruleset) object { return rulesetBody(sp, r) }, "id"), nil
}

func getRulesetByID(c *call, sp *space) (any, error) {
	for _, r := range sp.Rulesets {
		if r.ID == c.PathValue("ruleset") {
			return rulesetBody(sp, r), nil
		}
	}
	return nil, notFound("inbound_ruleset", "inbound ruleset")
}

// setRuleset replaces all rules. The new rules are applied after networkDelay.
func setRuleset(c *call, sp *space, in struct {
	Rules *[]rule `json:"rules"`

	// The CLI sends back the complete object that it has received; these members are ignored.
	ID            json.RawMessage `json:"id"`
	Space         json.RawMessage `json:"space"`
	CreatedAt     json.RawMessage `json:"created_at"`
	CreatedBy     json.RawMessage `json:"created_by"`
	Applied       json.RawMessage `json:"applied"`
	Version       json.RawMessage `json:"version"`
	DefaultAction json.RawMessage `json:"default_action"`
}) (any, error) {
	if sp.generation() == fir {
		return nil, invalid("Trusted IP ranges are not available in the %s generation.", fir)
	}
	if in.Rules == nil {
		return nil, invalid("Rules is required.")
	}
	var rules []rule
	for _, r := range *in.Rules {
		if r.Action != "allow" && r.Action != "deny" {
			return nil, invalid("Action %q is not one of allow, deny.", r.Action)
		}
		if p, err := netip.ParsePrefix(r.Source); err != nil || !p.Addr().Is4() {
			return nil, invalid("Source %q is not an IPv4 CIDR range.", r.Source)
		}
		if !slices.Contains(rules, r) {
			rules = append(rules, r) // kept verbatim, including host bits
		}
	}
	if len(rules) > keyvalue.TrustedRangesLimit {
		return nil, invalid("Space %s cannot have more than %d trusted IP ranges.", sp.Name, keyvalue.TrustedRangesLimit)
	}
	r := ruleset{ID: c.w.uuid(), CreatedAt: c.now, CreatedBy: c.user.Email, Rules: rules}
	sp.Rulesets = append(sp.Rulesets, r)
	// A former ruleset that has not been applied yet never is.
	c.w.Events = slices.DeleteFunc(c.w.Events, func(e event) bool { return e.Kind == rulesApplied && e.Space == sp.ID })
	c.w.addEvent(c.holdIfStuck(event{Kind: rulesApplied, Space: sp.ID, Ruleset: r.ID, Due: c.now.Add(networkDelay)}))
	return rulesetBody(sp, r), nil
}
