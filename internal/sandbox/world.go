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

// world is the complete state of the simulated Heroku. Its objects refer to each other by id, so that it can be encoded as one JSON
// document: to be saved in the data directory, and copied for stale reads. It is guarded by Sandbox.mu.
type world struct {
	Token       string // of the admin, so that it stays valid after a restart
	Seed, Draws uint64 // Draws counts the calls of random
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

// newWorld returns a world with two teams of one enterprise account, an admin and a plain member of both teams, and no apps.
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

// checkIDs refuses a loaded world with an id that is not a UUID. Ids are used as names of directories that the sandbox empties and removes.
func (w *world) checkIDs() error {
	if w == nil {
		return errors.New("the saved state is empty")
	}
	var ids []string
	for key, o := range w.AddOns {
		if o == nil {
			return fmt.Errorf("the add-on %.60q is null", key)
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
			return fmt.Errorf("the app %.60q is null", key)
		}
		ids = append(ids, key, o.ID)
	}
	for _, e := range w.Events {
		optional := []string{e.ID, e.AddOn, e.Space, e.Server}
		ids = append(ids, slices.DeleteFunc(optional, func(id string) bool { return id == "" })...)
	}
	for _, id := range ids {
		if !uuidPattern.MatchString(id) {
			return fmt.Errorf("%.60q is not a valid id", id)
		}
	}
	return nil
}

// random returns the next generator of the seeded sequence. The same requests in the same order yield the same names and ids, also
// across restarts.
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

// catalogueID returns the id of an object that exists in every sandbox, such as a plan. It depends on the name only.
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

// password returns 33 lowercase letters and digits, which need no escaping in a URL.
func (w *world) password() string {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789"
	r := w.random()
	b := make([]byte, 32)
	for i := range b {
		b[i] = letters[r.IntN(len(letters))]
	}
	return "p" + string(b)
}

func (w *world) pickWord(words []string) string { return words[w.random().IntN(len(words))] }

var (
	adjectives = []string{"acute", "angular", "animate", "clear", "concave", "cooking", "corrugated", "cubic", "curly", "curved",
		"deep", "defined", "dimensional", "fitted", "flat", "flexible", "globular", "horizontal", "infinite", "maturing",
		"octagonal", "parallel", "polished", "regular", "rigid", "round", "shaped", "slippery", "soaring", "solid",
		"spherical", "symmetrical", "tapered", "trapezoidal", "triangular", "vertical"}
	nouns = []string{"badlands", "bayou", "beach", "brook", "brushlands", "cliffs", "coast", "crag", "dusk", "earth",
		"falls", "fjord", "forest", "garden", "harbor", "island", "lake", "meadow", "mesa", "mountain",
		"ocean", "plains", "ravine", "reef", "river", "savannah", "sea", "shore", "spire", "tundra", "waters"}
)

// find returns the object with this id or name, or nil. A UUID is treated as an id only.
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

// sorted returns the objects of a map, ordered by id.
func sorted[T any](objects map[string]*T) []*T {
	all := make([]*T, 0, len(objects))
	for _, id := range slices.Sorted(maps.Keys(objects)) {
		all = append(all, objects[id])
	}
	return all
}

// stamp formats a time as the Platform API does.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// orNull replaces a zero value by JSON null.
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

// idName is a reference to another object in a response.
type idName struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}
