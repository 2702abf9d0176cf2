// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"crypto/sha1"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"time"
)

// world is everything the sandbox knows, as one JSON document: no pointers between objects, no closures, so that it
// can be saved, continued, and copied for a stale read. Guarded by Sandbox.mu.
type world struct {
	Token       string // the admin's, so that a restart accepts it
	Seed, Draws uint64
	SavedAt     time.Time

	Enterprise  enterprise
	Users       map[string]*user // all maps by id
	Teams       map[string]*team
	Spaces      map[string]*space
	Apps        map[string]*app
	AddOns      map[string]*addOn
	Attachments map[string]*attachment

	Events []event // see event.go
	Ledger []LedgerEntry
}

// newWorld: two teams of one enterprise account, an admin of both, a plain member of both; no apps.
func newWorld(seed uint64, teamName string, now time.Time) *world {
	w := &world{
		Seed:        seed,
		Users:       map[string]*user{},
		Teams:       map[string]*team{},
		Spaces:      map[string]*space{},
		Apps:        map[string]*app{},
		AddOns:      map[string]*addOn{},
		Attachments: map[string]*attachment{},
	}
	w.Enterprise = enterprise{ID: w.uuid(), Name: teamName}
	admin := &user{ID: w.uuid(), Email: "admin@" + teamName + ".example", Name: "Sandbox Admin", CreatedAt: now}
	plain := &user{ID: w.uuid(), Email: "member@" + teamName + ".example", Name: "Sandbox Member", CreatedAt: now}
	w.Users[admin.ID], w.Users[plain.ID] = admin, plain
	for i, name := range []string{teamName, teamName + "-data"} {
		t := &team{ID: w.uuid(), Name: name, Default: i == 0, CreatedAt: now, UpdatedAt: now, OwnerID: w.uuid()}
		t.Members = []member{
			{ID: w.uuid(), User: admin.ID, Role: roleAdmin, CreatedAt: now, UpdatedAt: now},
			{ID: w.uuid(), User: plain.ID, Role: roleMember, CreatedAt: now, UpdatedAt: now},
		}
		w.Teams[t.ID] = t
	}
	return w
}

func (w *world) clone() (*world, error) {
	raw, err := json.Marshal(w)
	if err != nil {
		return nil, fmt.Errorf("copying the world: %w", err)
	}
	copied := new(world)
	if err := json.Unmarshal(raw, copied); err != nil {
		return nil, fmt.Errorf("copying the world: %w", err)
	}
	return copied, nil
}

// checkIDs refuses a world in which something has an id that the sandbox has not given: ids are also the names of directories,
// which are emptied and removed.
func (w *world) checkIDs() error {
	if w == nil {
		return errors.New("there is no world in it")
	}
	var ids []string
	for key, o := range w.AddOns {
		if o == nil {
			return fmt.Errorf("the add-on %.60q is nothing", key)
		}
		ids = append(ids, key, o.ID, o.App)
		if o.isStore() {
			ids = append(ids, o.Store.Server)
		}
		if o.Store.Fork != nil && o.Store.Fork.Inside != "" {
			ids = append(ids, o.Store.Fork.Inside)
		}
	}
	for key, o := range w.Apps {
		if o == nil {
			return fmt.Errorf("the app %.60q is nothing", key)
		}
		ids = append(ids, key, o.ID)
	}
	for _, e := range w.Events {
		optional := []string{e.ID, e.AddOn, e.Space, e.Server}
		ids = append(ids, slices.DeleteFunc(optional, func(id string) bool { return id == "" })...)
	}
	for _, id := range ids {
		if !uuidPattern.MatchString(id) {
			return fmt.Errorf("%.60q is not an id of the sandbox's", id)
		}
	}
	return nil
}

// random continues the seeded sequence: equal requests in equal order give equal names and ids, across restarts too.
func (w *world) random() *rand.Rand {
	w.Draws++
	return rand.New(rand.NewPCG(w.Seed, w.Draws))
}

func (w *world) uuid() string {
	r := w.random()
	var b [16]byte
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return formatUUID(b, 4)
}

// catalogueID is the id of something that every sandbox has, such as a plan: the same each time.
func catalogueID(name string) string {
	sum := sha1.Sum([]byte("kvs sandbox\x00" + name))
	return formatUUID([16]byte(sum[:16]), 5)
}

func formatUUID(b [16]byte, version byte) string {
	b[6] = b[6]&0x0f | version<<4
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

var uuidPattern = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// password has 33 bytes of base32-like letters: never anything that a URL would have to escape.
func (w *world) password() string {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789"
	r := w.random()
	b := make([]byte, 32)
	for i := range b {
		b[i] = letters[r.IntN(len(letters))]
	}
	return "p" + string(b)
}

func (w *world) pick(words []string) string { return words[w.random().IntN(len(words))] }

var (
	adjectives = []string{"acute", "angular", "animate", "clear", "concave", "cooking", "corrugated", "cubic", "curly", "curved",
		"deep", "defined", "dimensional", "fitted", "flat", "flexible", "globular", "horizontal", "infinite", "maturing",
		"octagonal", "parallel", "polished", "regular", "rigid", "round", "shaped", "slippery", "soaring", "solid",
		"spherical", "symmetrical", "tapered", "trapezoidal", "triangular", "vertical"}
	nouns = []string{"badlands", "bayou", "beach", "brook", "brushlands", "cliffs", "coast", "crag", "dusk", "earth",
		"falls", "fjord", "forest", "garden", "harbor", "island", "lake", "meadow", "mesa", "mountain",
		"ocean", "plains", "ravine", "reef", "river", "savannah", "sea", "shore", "spire", "tundra", "waters"}
)

// find returns the object with an id or name, or nil. A UUID is an id, never a name.
func find[T any](objects map[string]*T, ref string, name func(*T) string) *T {
	if uuidPattern.MatchString(ref) {
		return objects[ref]
	}
	for _, o := range objects {
		if name(o) == ref {
			return o
		}
	}
	return nil
}

// sorted gives the objects of a map in the order of their ids.
func sorted[T any](objects map[string]*T) []*T {
	all := make([]*T, 0, len(objects))
	for _, id := range slices.Sorted(maps.Keys(objects)) {
		all = append(all, objects[id])
	}
	return all
}

// stamp is how the Platform API writes times.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// orNull is null for a value that there is not.
func orNull[T comparable](v T) any {
	if v == *new(T) {
		return nil
	}
	return v
}

func timeOrNull(t time.Time, write func(time.Time) string) any {
	if t.IsZero() {
		return nil
	}
	return write(t)
}

// idName is how one object mentions another.
type idName struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}
