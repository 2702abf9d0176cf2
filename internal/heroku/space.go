// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"
)

// States of a space. Heroku documents no state for a failure: a space that cannot be created stays "allocating".
const (
	SpaceAllocating = "allocating"
	SpaceAllocated  = "allocated"
	SpaceDeleting   = "deleting" // afterwards the space is not found
)

// Space is a Private Space or a Shield Space (Platform API reference, spaces). Only its name and its team can be changed after
// its creation.
type Space struct {
	ID         SpaceID
	Name       string
	Team       string // name
	Region     string // name
	State      string
	Shield     bool
	CIDR       string // of its dynos: "10.0.0.0/16"
	DataCIDR   string // of its data services: "172.23.0.0/20"
	Generation string // "cedar" or "fir"; empty when Heroku does not say
	CreatedAt  string // RFC 3339
	UpdatedAt  string // RFC 3339
}

// SpaceCreate holds the parameters of [Client.CreateSpace]. Name and Team (a name) are required; Heroku chooses the others if
// they are empty.
type SpaceCreate struct {
	Name        string
	Team        string
	Region      string // name
	CIDR        string // a private /16
	DataCIDR    string // a private /16 to /20
	Shield      bool
	Generation  string // "cedar" or "fir"
	LogDrainURL Secret // https
}

// Format prints the parameters like any struct, see [Store.Format].
func (s SpaceCreate) Format(f fmt.State, verb rune) {
	type fields SpaceCreate
	fmt.Fprintf(f, fmt.FormatString(f, verb), fields(s))
}

// NAT holds the outbound IP addresses of a space's apps (Platform API reference, space NAT).
type NAT struct {
	State   string   // "disabled", "updating" or "enabled"; until it is "enabled", Sources may be empty
	Sources []string // IP addresses, in no particular order
}

type wireSpace struct {
	ID           text `json:"id"`
	Name         text `json:"name"`
	Team         ref  `json:"team"`
	Organization ref  `json:"organization"` // the former name of the field team
	Region       ref  `json:"region"`
	State        text `json:"state"`
	Shield       flag `json:"shield"`
	CIDR         text `json:"cidr"`
	DataCIDR     text `json:"data_cidr"`
	Generation   ref  `json:"generation"` // an object, or just its name
	CreatedAt    text `json:"created_at"`
	UpdatedAt    text `json:"updated_at"`
}

func (w wireSpace) value() (Space, error) {
	if w.ID == "" || w.Name == "" {
		return Space{}, missing("space id and name")
	}
	return Space{
		ID:         SpaceID(w.ID),
		Name:       string(w.Name),
		Team:       string(cmp.Or(w.Team.Name, w.Organization.Name)),
		Region:     string(w.Region.Name),
		State:      string(w.State),
		Shield:     bool(w.Shield),
		CIDR:       string(w.CIDR),
		DataCIDR:   string(w.DataCIDR),
		Generation: string(w.Generation.Name),
		CreatedAt:  string(w.CreatedAt),
		UpdatedAt:  string(w.UpdatedAt),
	}, nil
}

// Space returns a space by id. The read is shared.
func (c *Client) Space(ctx context.Context, id SpaceID) (Space, error) { return c.spaces.Get(ctx, id) }

// FindSpace returns a space by id or name.
func (c *Client) FindSpace(ctx context.Context, idOrName string) (Space, error) {
	decode := requireID(SpaceID(idOrName), spaceID, requireName(idOrName, spaceName, decodeOne[wireSpace]))
	space, _, err := exchange(ctx, c, c.get("spaces", idOrName), decode)
	return space, err
}

func (c *Client) getSpace(ctx context.Context, id SpaceID) (Space, error) {
	space, _, err := exchange(ctx, c, c.get("spaces", string(id)), requireID(id, spaceID, decodeOne[wireSpace]))
	return space, err
}

func (c *Client) allSpaces(ctx context.Context) (map[SpaceID]Space, error) {
	return index(ctx, c, c.get("spaces"), decodeMany[wireSpace], func(s Space) SpaceID { return s.ID })
}

// CreateSpace creates a space, which is still allocating when CreateSpace returns. When the response is lost, the space is looked
// up by its name. Once sent, the request is not cancelled with ctx.
func (c *Client) CreateSpace(ctx context.Context, s SpaceCreate) (Space, error) {
	start := c.earliestCreatedAt()
	return nonIdempotentPost[Space]{
		what: "space " + s.Name, call: c.post(s.body(), "spaces"), decode: requireName(s.Name, spaceName, decodeOne[wireSpace]),
		find:  func(ctx context.Context) (Space, error) { return c.FindSpace(ctx, s.Name) },
		check: func(found Space) error { return s.matches(found, start) },
	}.send(withSecret(ctx, s.LogDrainURL), c)
}

func (s SpaceCreate) body() map[string]any {
	body := map[string]any{"name": s.Name, "team": s.Team}
	for field, value := range map[string]string{
		"region": s.Region, "cidr": s.CIDR, "data_cidr": s.DataCIDR, "generation": s.Generation,
		"log_drain_url": s.LogDrainURL.Reveal(),
	} {
		if value != "" {
			body[field] = value
		}
	}
	if s.Shield {
		body["shield"] = true
	}
	return body
}

// matches returns an error that names the first difference between the found space and the requested one, which was created no
// earlier than start.
func (s SpaceCreate) matches(found Space, start time.Time) error {
	switch {
	case found.Team != s.Team:
		return fmt.Errorf("the space %s belongs to %s", found.Name, cmp.Or(found.Team, "another account"))
	case found.State == SpaceDeleting:
		return fmt.Errorf("the space %s is being deleted", found.Name)
	case found.Shield != s.Shield:
		return fmt.Errorf("the space %s is %s", found.Name, found.kind())
	case s.Region != "" && found.Region != s.Region:
		return fmt.Errorf("the space %s is in region %s", found.Name, found.Region)
	case s.CIDR != "" && found.CIDR != s.CIDR:
		return fmt.Errorf("the dynos of the space %s are in %s", found.Name, found.CIDR)
	case s.DataCIDR != "" && found.DataCIDR != s.DataCIDR:
		return fmt.Errorf("the data services of the space %s are in %s", found.Name, found.DataCIDR)
	case s.Generation != "" && found.Generation != "" && found.Generation != s.Generation:
		return fmt.Errorf("the space %s is of the generation %s", found.Name, found.Generation)
	case createdBefore(found.CreatedAt, start):
		return fmt.Errorf("the space %s exists since %s", found.Name, found.CreatedAt)
	}
	return nil
}

func (s Space) kind() string {
	if s.Shield {
		return "a Shield Space"
	}
	return "a Private Space without Shield"
}

// RenameSpace renames a space.
func (c *Client) RenameSpace(ctx context.Context, id SpaceID, name string) (Space, error) {
	return updateObject(ctx, c, c.patch(map[string]string{"name": name}, "spaces", string(id)), requireID(id, spaceID, decodeOne[wireSpace]),
		func(ctx context.Context) (Space, error) { return c.getSpace(ctx, id) },
		func(now Space) bool { return now.Name == name })
}

// TransferSpace transfers a space and the apps in it to another team (a name) of the same enterprise account. It may take
// effect later: see [Client.WaitSpaceTeam]. It is a POST, and repeated only after the space was read.
func (c *Client) TransferSpace(ctx context.Context, id SpaceID, team string) (Space, error) {
	return nonIdempotentPost[Space]{
		what:   fmt.Sprintf("a transfer of space %s to team %s", id, team),
		call:   c.post(map[string]string{"new_owner": team}, "spaces", string(id), "transfer"),
		decode: requireID(id, spaceID, decodeOne[wireSpace]),
		find: func(ctx context.Context) (Space, error) {
			now, err := c.getSpace(ctx, id)
			if err == nil && now.Team != team {
				return now, errAbsent
			}
			return now, err
		},
		check: func(Space) error { return nil },
	}.send(ctx, c)
}

// DeleteSpace destroys a space, which must be empty; it returns once Heroku has accepted the request. A space that does not
// exist, or is being deleted, is no error.
func (c *Client) DeleteSpace(ctx context.Context, id SpaceID) error {
	_, err := c.remove(ctx, "spaces", string(id))
	if err == nil || ctx.Err() != nil {
		return err
	}
	if left, e := c.getSpace(ctx, id); IsNotFound(e) || (e == nil && left.State == SpaceDeleting) {
		return nil
	}
	return err
}

// WaitSpaceAllocated waits until a new space can hold apps, which takes up to ten minutes. Its errors are *WaitError.
func (c *Client) WaitSpaceAllocated(ctx context.Context, id SpaceID, timeout time.Duration) (Space, error) {
	return c.spaces.wait(ctx, id, fmt.Sprintf("space %s to be allocated", id), timeout, spaceTicks, withMissingTime(evaluateAllocation))
}

// WaitSpaceGone waits until a destroyed space is gone. Its errors are *WaitError.
func (c *Client) WaitSpaceGone(ctx context.Context, id SpaceID, timeout time.Duration) error {
	_, err := c.spaces.wait(ctx, id, fmt.Sprintf("space %s to be gone", id), timeout, spaceTicks,
		func(s Space, found bool, _ time.Duration) progress {
			if !found {
				return progress{state: "not found", ready: true}
			}
			return progress{state: s.State}
		})
	return err
}

// WaitSpaceTeam waits until a space belongs to the team, by its name. Its errors are *WaitError.
func (c *Client) WaitSpaceTeam(ctx context.Context, id SpaceID, team string, timeout time.Duration) (Space, error) {
	return c.spaces.wait(ctx, id, fmt.Sprintf("space %s to belong to team %s", id, team), timeout, spaceTicks,
		withMissingTime(func(s Space, found bool, missing time.Duration) progress {
			if !found {
				return unknownSpace(missing)
			}
			return progress{state: "belongs to " + s.Team, ready: s.Team == team}
		}))
}

// evaluateAllocation evaluates a space that is being created. In an unknown state the wait goes on.
func evaluateAllocation(s Space, found bool, missing time.Duration) progress {
	switch {
	case !found:
		return unknownSpace(missing)
	case s.State == SpaceDeleting:
		return progress{state: s.State, failure: fmt.Errorf("the space %s is being deleted", s.Name)}
	}
	return progress{state: s.State, ready: s.State == SpaceAllocated}
}

// unknownSpace evaluates a space that should exist, and has not been found for this long.
func unknownSpace(missing time.Duration) progress {
	if missing <= notFoundGrace {
		return progress{state: "not found yet"}
	}
	return progress{state: "not found", failure: errors.New("the space is unknown to Heroku, or not visible to this account")}
}

// SpaceNAT returns the outbound addresses of the space's apps. Do not call it while the space is allocating or being deleted:
// Heroku then returns 404, or 503, which is retried.
func (c *Client) SpaceNAT(ctx context.Context, id SpaceID) (NAT, error) {
	nat, _, err := exchange(ctx, c, c.get("spaces", string(id), "nat"), decodeOne[wireNAT])
	return nat, err
}

type wireNAT struct {
	State   text  `json:"state"`
	Sources names `json:"sources"`
}

func (w wireNAT) value() (NAT, error) {
	if w.State == "" {
		return NAT{}, missing("state of the NAT")
	}
	return NAT{State: string(w.State), Sources: w.Sources}, nil
}

// SpaceApps lists the apps in a space. Heroku has no such list, so SpaceApps filters the apps of the space's team. Unlike the
// list of all apps, this one also has those that the account is no collaborator of.
func (c *Client) SpaceApps(ctx context.Context, id SpaceID) ([]App, error) {
	space, err := c.Space(ctx, id)
	if err != nil {
		return nil, err
	}
	apps, err := list(ctx, c, c.get("teams", space.Team, "apps"), decodeMany[wireApp], func(a App) string { return string(a.ID) })
	if err != nil {
		return nil, err
	}
	inside := make([]App, 0, len(apps))
	for _, app := range apps {
		if app.Space != nil && app.Space.ID == id {
			inside = append(inside, app)
		}
	}
	return inside, nil
}
