// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"cmp"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

type space struct {
	ID, Name             string
	Team                 string // id
	Region               string // name
	Shield               bool
	Generation           string // name
	CIDR, DataCIDR       string
	State                string
	CreatedAt, UpdatedAt time.Time
	AllocatedAt          time.Time // zero until then
	Outbound             []string  // IP addresses from which its apps connect
	Rulesets             []ruleset // oldest first; the last is the current one
	CreateApps           []string  // ids of users with the permission create_apps, which admins always have
	LogDrain             *logDrain `json:",omitempty"`
}

// States of a space (Platform API reference, spaces). A deleted space is not found.
const (
	stateAllocating = "allocating"
	stateAllocated  = "allocated"
	stateDeleting   = "deleting"
)

// networkDelay is how long a change of a space's outbound addresses or trusted IP ranges takes.
const networkDelay = 2 * time.Second

func (sp *space) name() string   { return sp.Name }
func (sp *space) idName() idName { return idName{sp.ID, sp.Name} }

// space finds a space by id or name. The caller must be a member of its team.
func (c *call) space(ref string) (*space, error) {
	sp := find(c.w.Spaces, ref, (*space).name)
	if sp == nil {
		return nil, notFound("space", "space")
	}
	if c.w.Teams[sp.Team].role(c.user.ID) == "" {
		return nil, forbidden("You do not have access to the space %s.", sp.Name)
	}
	return sp, nil
}

func pathSpace(c *call) (*space, error) { return c.space(c.PathValue("space")) }

// spaceToChange finds the space in the path. The caller must be an admin (Dev Center: Private Spaces, "Private Space Management").
func spaceToChange(c *call) (*space, error) {
	sp, err := pathSpace(c)
	switch {
	case err != nil:
		return nil, err
	case c.w.Teams[sp.Team].role(c.user.ID) != roleAdmin:
		return nil, forbidden("You must be an admin of the team %s to change the space %s.", c.w.Teams[sp.Team].Name, sp.Name)
	case sp.State == stateDeleting:
		return nil, invalid("Space %s is being deleted.", sp.Name)
	}
	return sp, nil
}

func spaceBody(c *call, sp *space) object {
	r, _ := lookUpRegion(sp.Region)
	t := idName{sp.Team, c.w.Teams[sp.Team].Name}
	b := object{
		"id": sp.ID, "name": sp.Name, "state": sp.State, "team": t, "organization": t, "region": r.idName(), "shield": sp.Shield,
		"generation": generationID(sp.generation()),
		"cidr":       sp.CIDR, "data_cidr": sp.DataCIDR, "created_at": stamp(sp.CreatedAt), "updated_at": stamp(sp.UpdatedAt),
	}
	if c.wants("Accept-Expansion", "region") {
		b["region"] = r.body()
	}
	return b
}

func listSpaces(c *call) (any, error) {
	mayRead := func(sp *space) bool { return c.w.Teams[sp.Team].role(c.user.ID) != "" }
	return listWhere(c, c.w.Spaces, mayRead, spaceBody, "id", "name"), nil
}

func listTeamSpaces(c *call, t *team) (any, error) {
	return listWhere(c, c.w.Spaces, func(sp *space) bool { return sp.Team == t.ID }, spaceBody, "id", "name"), nil
}

func createSpace(c *call, in struct {
	Name        string    `json:"name"`
	Team        reference `json:"team"`
	Region      reference `json:"region"`
	Shield      bool      `json:"shield"`
	CIDR        *string   `json:"cidr"`
	DataCIDR    *string   `json:"data_cidr"`
	Generation  reference `json:"generation"`
	LogDrainURL *string   `json:"log_drain_url"`

	// For Heroku's staff only. The CLI always sends the first one.
	Features    []string `json:"features"`
	ChannelName string   `json:"channel_name"`
	KPIURL      string   `json:"kpi_url"`
}) (any, error) {
	t, err := c.teamForSpaces(string(in.Team))
	if err != nil {
		return nil, err
	}
	if err := c.checkSpaceName(in.Name); err != nil {
		return nil, err
	}
	r, ok := lookUpRegion(cmp.Or(string(in.Region), "virginia"))
	switch {
	case !ok:
		return nil, invalid("Couldn't find the region %s.", in.Region)
	case !r.private:
		return nil, invalid("Region %s is not available for Private Spaces.", r.name)
	}
	generation, err := requestedGeneration(string(in.Generation), in.Shield)
	if err != nil {
		return nil, err
	}
	sp := &space{
		ID:         c.w.uuid(),
		Name:       in.Name,
		Team:       t.ID,
		Region:     r.name,
		Shield:     in.Shield,
		Generation: generation,
		CIDR:       valueOr(in.CIDR, keyvalue.DefaultDynoCIDR),
		DataCIDR:   valueOr(in.DataCIDR, keyvalue.DefaultDataCIDR),
		State:      stateAllocating,
		CreatedAt:  c.now,
		UpdatedAt:  c.now,
		Outbound:   c.w.randomOutboundIPs(generation),
		Rulesets: []ruleset{{ID: c.w.uuid(), CreatedAt: c.now, CreatedBy: c.user.Email, Applied: true,
			Rules: []rule{{"allow", keyvalue.Internet}}}},
	}
	if err := checkNetworks(sp.CIDR, sp.DataCIDR); err != nil {
		return nil, err
	}
	if in.LogDrainURL != nil {
		if err := c.setDrainURL(sp, *in.LogDrainURL); err != nil {
			return nil, err
		}
	}
	c.w.Spaces[sp.ID] = sp
	c.w.updateLedger(sp.ID, func(e *LedgerEntry) { *e = LedgerEntry{Kind: "space", ID: sp.ID, Name: sp.Name, CreatedAt: c.now} })
	c.w.addEvent(c.holdIfStuck(event{Kind: allocated, Space: sp.ID, Due: c.now.Add(c.s.options.Allocation)}))
	return spaceBody(c, sp), nil
}

func valueOr(given *string, otherwise string) string {
	if given == nil {
		return otherwise
	}
	return *given
}

// teamForSpaces finds a team that may have spaces. It must belong to an enterprise account, and the caller must be its admin.
func (c *call) teamForSpaces(ref string) (*team, error) {
	if ref == "" {
		return nil, invalid("Team is required.")
	}
	t, err := c.team(ref)
	switch {
	case err != nil:
		return nil, err
	case t.Standalone:
		return nil, forbidden("Space management is not enabled for this team.")
	case t.role(c.user.ID) != roleAdmin:
		return nil, forbidden("You must be an admin of the team %s to create a space.", t.Name)
	}
	return t, nil
}

var spaceNamePattern = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

func (c *call) checkSpaceName(name string) error {
	switch {
	case len(name) < 3:
		return invalid("Name is too short (minimum is 3 characters)")
	case !spaceNamePattern.MatchString(name):
		return invalid("Name can only contain lowercase letters, digits, and single dashes, and must start and end with a letter or digit.")
	case find(c.w.Spaces, name, (*space).name) != nil:
		return invalid("Name %s is already taken", name)
	}
	return nil
}

var reservedNetworks = []string{"172.17.0.0/16", "10.1.0.0/16"}

// checkNetworks checks the rules in Dev Center: Private Spaces.
func checkNetworks(cidr, dataCIDR string) error {
	dynos, err := checkNetwork("cidr", cidr, 16, 16)
	if err != nil {
		return err
	}
	data, err := checkNetwork("data_cidr", dataCIDR, 16, 20)
	if err == nil && dynos.Overlaps(data) {
		return invalid("cidr %s and data_cidr %s overlap.", cidr, dataCIDR)
	}
	return err
}

func checkNetwork(param, text string, widest, narrowest int) (netip.Prefix, error) {
	network, err := netip.ParsePrefix(text)
	within := func(outer string) bool {
		p := netip.MustParsePrefix(outer)
		return p.Bits() <= network.Bits() && p.Overlaps(network)
	}
	switch {
	case err != nil || !network.Addr().Is4():
		return network, invalid("%s %q is not an IPv4 CIDR range.", param, text)
	case network.Bits() < widest || network.Bits() > narrowest:
		return network, invalid("%s %s must be between a /%d and a /%d.", param, text, widest, narrowest)
	case !slices.ContainsFunc([]string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"}, within):
		return network, invalid("%s %s must be in a private range (RFC 1918).", param, text)
	}
	for _, reserved := range reservedNetworks {
		if network.Overlaps(netip.MustParsePrefix(reserved)) {
			return network, invalid("%s %s overlaps the reserved range %s.", param, text, reserved)
		}
	}
	return network, nil
}

func updateSpace(c *call, sp *space, in struct {
	Name *string `json:"name"`
}) (any, error) {
	if in.Name != nil && *in.Name != sp.Name {
		if err := c.checkSpaceName(*in.Name); err != nil {
			return nil, err
		}
		sp.Name, sp.UpdatedAt = *in.Name, c.now
		c.w.updateLedger(sp.ID, func(e *LedgerEntry) { e.Name = sp.Name })
	}
	return spaceBody(c, sp), nil
}

// deleteSpace deletes a space, unless it has apps or data services that are still being removed.
func deleteSpace(c *call, sp *space) (any, error) {
	switch {
	case sp.State == stateAllocating:
		return nil, invalid("Space %s is still being allocated and cannot be deleted yet.", sp.Name)
	case len(c.w.appsIn(sp)) > 0:
		return nil, invalid("Space %s contains apps and cannot be deleted.", sp.Name)
	case slices.ContainsFunc(c.w.Events, func(e event) bool { return e.Kind == addOnGone && e.Space == sp.ID }):
		return nil, invalid("Space %s contains data services that are still being removed and cannot be deleted yet.", sp.Name)
	}
	sp.State, sp.UpdatedAt = stateDeleting, c.now
	c.w.Events = slices.DeleteFunc(c.w.Events, func(e event) bool { return e.Space == sp.ID })
	takes := cmp.Or(time.Duration(c.effect.Deprovisioning), c.s.options.Allocation)
	c.w.addEvent(event{Kind: spaceGone, Space: sp.ID, Due: c.now.Add(takes)})
	c.w.updateLedger(sp.ID, func(e *LedgerEntry) { e.DestroyedAt = &c.now })
	return spaceBody(c, sp), nil
}

// transferSpace transfers a space and its apps to another team of the enterprise account.
func transferSpace(c *call, sp *space, in struct {
	NewOwner string `json:"new_owner"`
}) (any, error) {
	t, err := c.team(in.NewOwner)
	switch {
	case err != nil:
		return nil, err
	case t.role(c.user.ID) != roleAdmin:
		return nil, forbidden("You must be an admin of the team %s.", t.Name)
	case t.Standalone != c.w.Teams[sp.Team].Standalone:
		return nil, invalid("The team %s belongs to a different enterprise account than the space %s.", t.Name, sp.Name)
	case sp.State != stateAllocated:
		return nil, invalid("Space %s is still being allocated and cannot be transferred yet.", sp.Name)
	}
	sp.Team, sp.UpdatedAt = t.ID, c.now
	for _, a := range c.w.appsIn(sp) {
		a.Team = t.ID
		a.touch(c.now)
	}
	return spaceBody(c, sp), nil
}

// applySpaceEvent applies an event to a space.
func (w *world) applySpaceEvent(sp *space, e event) {
	switch e.Kind {
	case allocated:
		sp.State, sp.AllocatedAt, sp.UpdatedAt = stateAllocated, e.Due, e.Due
	case rulesApplied:
		for i, r := range sp.Rulesets {
			if r.ID == e.Ruleset {
				sp.Rulesets[i].Applied = true
			}
		}
	case spaceGone:
		delete(w.Spaces, sp.ID)
	}
}

// randomOutboundIPs returns four IPv4 addresses from the ranges for documentation (RFC 5737) and, for a space of fir, also an IPv6 range
// (RFC 3849).
func (w *world) randomOutboundIPs(generation string) []string {
	nets := []string{"192.0.2", "198.51.100", "203.0.113"}
	var sources []string
	for len(sources) < 4 {
		s := fmt.Sprintf("%s.%d", w.pickWord(nets), 1+w.random().IntN(254))
		if !slices.Contains(sources, s) {
			sources = append(sources, s)
		}
	}
	if generation == fir {
		sources = append(sources, fmt.Sprintf("2001:db8:%x::/56", 1+w.random().IntN(0xfffe)))
	}
	return sources
}

// getSpaceNAT returns the outbound addresses. It answers 404 unless the space is allocated, and has no addresses for networkDelay after
// that.
func getSpaceNAT(c *call, sp *space) (any, error) {
	if sp.State != stateAllocated {
		return nil, notFound("nat", "NAT")
	}
	sources, state, updated := []string{}, "updating", sp.AllocatedAt
	if ready := sp.AllocatedAt.Add(networkDelay); !c.now.Before(ready) {
		sources, state, updated = sp.Outbound, "enabled", ready
	}
	return object{"sources": sources, "state": state, "created_at": stamp(sp.AllocatedAt), "updated_at": stamp(updated)}, nil
}
