// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// Ruleset holds the trusted IP ranges of a space, from which its web processes can be reached (Platform API reference, inbound
// rulesets). A space always has exactly one ruleset. It can only be replaced as a whole, by one with a new id; the last writer
// wins.
type Ruleset struct {
	ID        string
	SpaceID   SpaceID
	SpaceName string
	Applied   *bool  // whether the rules are in force; nil when Heroku does not say
	CreatedBy string // an e-mail address
	CreatedAt string // RFC 3339
	Rules     []Rule // in Heroku's order, which has no meaning; without rules, nobody can reach the space
}

// Rule allows or denies an IP range.
type Rule struct {
	Action string // "allow" or "deny"
	Source string // an IPv4 range in CIDR notation, as it was written: "192.0.2.0/26"
}

type wireRuleset struct {
	ID        text        `json:"id"`
	Space     ref         `json:"space"`
	Applied   *flag       `json:"applied"`
	CreatedBy text        `json:"created_by"`
	CreatedAt text        `json:"created_at"`
	Rules     *[]wireRule `json:"rules"`
}

type wireRule struct {
	Action text `json:"action"`
	Source text `json:"source"`
}

// value refuses a response without rules: it would read as a space that nobody can reach.
func (w wireRuleset) value() (Ruleset, error) {
	if w.Rules == nil {
		return Ruleset{}, missing("rules")
	}
	set := Ruleset{
		ID:        string(w.ID),
		SpaceID:   SpaceID(w.Space.ID),
		SpaceName: string(w.Space.Name),
		Applied:   (*bool)(w.Applied),
		CreatedBy: string(w.CreatedBy),
		CreatedAt: string(w.CreatedAt),
		Rules:     make([]Rule, 0, len(*w.Rules)),
	}
	for _, rule := range *w.Rules {
		if rule.Action == "" || rule.Source == "" {
			return Ruleset{}, missing("action and source of a rule")
		}
		set.Rules = append(set.Rules, Rule{Action: string(rule.Action), Source: string(rule.Source)})
	}
	return set, nil
}

func rulesetSpace(s Ruleset) SpaceID { return s.SpaceID }

// has reports whether the ruleset has the same rules, in any order.
func (s Ruleset) has(rules []Rule) bool { return isSubset(s.Rules, rules) && isSubset(rules, s.Rules) }

func isSubset(part, whole []Rule) bool {
	return !slices.ContainsFunc(part, func(r Rule) bool { return !slices.Contains(whole, r) })
}

func (c *Client) inboundRuleset(id SpaceID) call {
	return c.get("spaces", string(id), "inbound-ruleset")
}

// SharedTrustedRanges is like [Client.TrustedRanges], but reads that begin at about the same time share one request.
func (c *Client) SharedTrustedRanges(ctx context.Context, id SpaceID) (Ruleset, error) {
	return c.rulesets.Get(ctx, id)
}

// noRulesetList stands for the list request of the batch: Heroku has no list of the rulesets of several spaces.
func noRulesetList(context.Context) (map[SpaceID]Ruleset, error) {
	return nil, &Error{Status: http.StatusNotFound, Message: "there is no such list"}
}

// TrustedRanges returns the ruleset of a space.
func (c *Client) TrustedRanges(ctx context.Context, id SpaceID) (Ruleset, error) {
	set, _, err := exchange(ctx, c, c.inboundRuleset(id), requireID(id, rulesetSpace, decodeOne[wireRuleset]))
	return set, err
}

// wireRules returns the body of a request that replaces all rules. Without rules it has [], and not null.
func wireRules(rules []Rule) any {
	wire := make([]wireRule, 0, len(rules))
	for _, rule := range rules {
		wire = append(wire, wireRule{Action: text(rule.Action), Source: text(rule.Source)})
	}
	return struct {
		Rules []wireRule `json:"rules"`
	}{wire}
}

// SetTrustedRanges replaces all rules of a space; without rules, nobody can reach it. They are in force somewhat later, see
// [Client.WaitTrustedRangesApplied]. A space that has just been allocated may not have its ruleset yet: then the request is
// repeated for up to a minute while the space exists. A not_found error means that the space does not exist.
func (c *Client) SetTrustedRanges(ctx context.Context, id SpaceID, rules []Rule) (Ruleset, error) {
	k := c.inboundRuleset(id)
	k.operation, k.method, k.body = write, http.MethodPut, wireRules(rules)

	return retryWhileNotFound(ctx, c, id, func() (Ruleset, error) {
		return updateObject(ctx, c, k, requireID(id, rulesetSpace, decodeOne[wireRuleset]),
			func(ctx context.Context) (Ruleset, error) { return c.TrustedRanges(ctx, id) },
			func(now Ruleset) bool { return now.has(rules) })
	})
}

// retryWhileNotFound repeats a request for the rules of a space that may not have a ruleset yet, see [Client.SetTrustedRanges].
func retryWhileNotFound[T any](ctx context.Context, c *Client, id SpaceID, request func() (T, error)) (T, error) {
	for started, tries := c.clock.Now(), 0; ; tries++ {
		value, err := request()
		if !IsNotFound(err) {
			return value, err
		}
		if _, e := c.getSpace(ctx, id); e != nil {
			return value, e
		}
		// The space exists, so err is not wrapped from here on: callers would take it for proof that the space is gone.
		if c.clock.Now().Sub(started) >= notFoundGrace {
			return value, fmt.Errorf("the space %s exists, but its rules cannot be read or set: %s", id, err.Error())
		}
		if e := c.clock.Sleep(ctx, pauseBefore(tries)); e != nil {
			return value, fmt.Errorf("%w before the next try, after: %s", e, err.Error())
		}
	}
}

// WaitTrustedRangesApplied waits until the rules of a space are in force; if Heroku does not report that, it returns at once. The
// caller has to compare the rules, since somebody else may have replaced them. If it takes too long, set the rules again. Its
// errors are *WaitError.
func (c *Client) WaitTrustedRangesApplied(ctx context.Context, id SpaceID, timeout time.Duration) (Ruleset, error) {
	return c.waitRangesApplied(ctx, id, timeout, func(ctx context.Context) (Ruleset, error) { return c.TrustedRanges(ctx, id) })
}

func (c *Client) waitRangesApplied(ctx context.Context, id SpaceID, timeout time.Duration,
	read func(context.Context) (Ruleset, error),
) (Ruleset, error) {
	what := fmt.Sprintf("the trusted IP ranges of space %s to be applied", id)
	return await(ctx, c, what, timeout, func(ctx context.Context, waited time.Duration) (Ruleset, progress, error) {
		set, err := read(ctx)
		switch {
		case errors.Is(err, errNotListed): // the batch read another space meanwhile
			return set, progress{state: "not read yet"}, nil
		case IsNotFound(err):
			return set, unknownSpace(waited), nil
		case err == nil && set.Applied != nil && !*set.Applied:
			return set, progress{state: "not applied yet"}, nil
		}
		return set, progress{state: "applied", ready: true}, err
	})
}
