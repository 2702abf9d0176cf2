// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// ruleset says who may reach the web processes of a space. It is never changed, only followed by another one.
type ruleset struct {
	ID, CreatedBy string
	CreatedAt     time.Time
	Applied       bool // the rules are in force
	Rules         []rule
}

type rule struct {
	Action string `json:"action"`
	Source string `json:"source"`
}

type rulesetBody struct {
	Applied   bool   `json:"applied"`
	CreatedAt string `json:"created_at"`
	CreatedBy string `json:"created_by"`
	ID        string `json:"id"`
	Rules     []rule `json:"rules"`
	Space     idName `json:"space"`
}

func (b rulesetBody) key(string) string { return b.ID }

func (r ruleset) body(sp *space) rulesetBody {
	return rulesetBody{
		Applied:   r.Applied,
		CreatedAt: stamp(r.CreatedAt),
		CreatedBy: r.CreatedBy,
		ID:        r.ID,
		Rules:     append([]rule{}, r.Rules...),
		Space:     sp.idName(),
	}
}

// network fails until the space is allocated, and for Options.RulesetDelay after that.
func (c *call) network(sp *space) error {
	if sp.State != stateAllocated || c.now.Before(sp.AllocatedAt.Add(c.s.options.RulesetDelay)) {
		return notFound("space", "space")
	}
	return nil
}

func getRuleset(c *call) (int, any, error) {
	sp, err := c.space(c.PathValue("space"))
	if err == nil {
		err = c.network(sp)
	}
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, sp.Rulesets[len(sp.Rulesets)-1].body(sp), nil
}

func listRulesets(c *call) (int, any, error) {
	sp, err := c.space(c.PathValue("space"))
	if err == nil {
		err = c.network(sp)
	}
	if err != nil {
		return 0, nil, err
	}
	var bodies []rulesetBody
	for _, r := range sp.Rulesets {
		bodies = append(bodies, r.body(sp))
	}
	return http.StatusOK, list(bodies, "id"), nil
}

func getOldRuleset(c *call) (int, any, error) {
	sp, err := c.space(c.PathValue("space"))
	if err == nil {
		err = c.network(sp)
	}
	if err != nil {
		return 0, nil, err
	}
	i := slices.IndexFunc(sp.Rulesets, func(r ruleset) bool { return r.ID == c.PathValue("ruleset") })
	if i < 0 {
		return 0, nil, notFound("inbound_ruleset", "inbound ruleset")
	}
	return http.StatusOK, sp.Rulesets[i].body(sp), nil
}

// setRuleset replaces all rules. They are in force after networkDelay.
func setRuleset(c *call) (int, any, error) {
	sp, err := c.spaceToChange()
	if err == nil {
		err = c.network(sp)
	}
	if err != nil {
		return 0, nil, err
	}
	var in struct {
		Rules *[]rule `json:"rules"`

		// The CLI sends back all that it got; these are ignored.
		ID            json.RawMessage `json:"id"`
		Space         json.RawMessage `json:"space"`
		CreatedAt     json.RawMessage `json:"created_at"`
		CreatedBy     json.RawMessage `json:"created_by"`
		Applied       json.RawMessage `json:"applied"`
		Version       json.RawMessage `json:"version"`
		DefaultAction json.RawMessage `json:"default_action"`
	}
	if err := c.params(&in); err != nil {
		return 0, nil, err
	}
	if in.Rules == nil {
		return 0, nil, invalid("Rules is required.")
	}
	var rules []rule
	for _, r := range *in.Rules {
		if r.Action != "allow" && r.Action != "deny" {
			return 0, nil, invalid("Action %q is not one of allow, deny.", r.Action)
		}
		if p, err := netip.ParsePrefix(r.Source); err != nil || !p.Addr().Is4() {
			return 0, nil, invalid("Source %q is not an IPv4 CIDR range.", r.Source)
		}
		if !slices.Contains(rules, r) {
			rules = append(rules, r) // verbatim, host bits included
		}
	}
	if len(rules) > keyvalue.TrustedRangesLimit {
		return 0, nil, invalid("Space %s cannot have more than %d trusted IP ranges.", sp.Name, keyvalue.TrustedRangesLimit)
	}
	r := ruleset{ID: c.w.uuid(), CreatedAt: c.now, CreatedBy: c.user.Email, Rules: rules}
	sp.Rulesets = append(sp.Rulesets, r)
	// A former ruleset that is not in force yet never is.
	c.w.Events = slices.DeleteFunc(c.w.Events, func(e event) bool { return e.Kind == rulesApplied && e.Space == sp.ID })
	c.w.addEvent(c.orHeld(event{Kind: rulesApplied, Space: sp.ID, Ruleset: r.ID, Due: c.now.Add(networkDelay)}))
	return http.StatusOK, r.body(sp), nil
}
