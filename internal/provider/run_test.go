// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import "testing"

func TestRun_deleteLeavesWhatAnotherInstanceKeeps(t *testing.T) {
	r, o := newRun(), object{"kvs_attachment", "a"}
	if r.skipDelete(o) {
		t.Error("an object that nobody keeps was left alone")
	}
	r.noteKept(o)
	if !r.skipDelete(o) {
		t.Error("an object that another instance keeps was not left alone")
	}
	if r.skipDelete(object{"kvs_app", "a"}) {
		t.Error("the id of another resource type was taken for the same object")
	}
}

func TestRun_deleteLeavesWhatACreationWasRefusedFor(t *testing.T) {
	r, o := newRun(), object{"kvs_attachment", "a"}
	r.noteRefused(o)
	if !r.skipDelete(o) {
		t.Error("a Delete took away what a creation was refused for")
	}
}

func TestRun_claims(t *testing.T) {
	tests := map[string]struct {
		first, second claim
		conflict      bool
	}{
		"planned twice":                   {claim{id: "a", value: "v"}, claim{id: "a", value: "v"}, false},
		"replaced: planned as a creation": {claim{id: "a", value: "v"}, claim{value: "v"}, false},
		"two objects of the state":        {claim{id: "a", value: "v"}, claim{id: "b", value: "v"}, true},
		"other values":                    {claim{value: "v"}, claim{value: "w"}, true},
		"values that are not known yet":   {claim{id: "a"}, claim{value: "w"}, false},
		"another kind of owner":           {claim{owner: "x"}, claim{owner: "y"}, true},
		"no two at all: one object":       {claim{id: "a", single: true}, claim{id: "a", single: true}, true},
		"no two at all: two creations":    {claim{single: true}, claim{single: true}, true},
		"no two at all: one replaced":     {claim{id: "a", single: true}, claim{single: true, replaces: "a"}, false},
		"no two at all: another replaced": {claim{id: "a", single: true}, claim{single: true, replaces: "b"}, true},
		"no two at all: a creation first": {claim{single: true}, claim{id: "a", single: true}, true},
		"no two at all: one beside it":    {claim{id: "a", single: true}, claim{single: true}, true},
		"a creation beside what stays":    {claim{id: "a", value: "v"}, claim{value: "w"}, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRun()
			if _, conflict := r.claim("name", test.first); conflict {
				t.Fatal("the first claim met another one")
			}
			if _, conflict := r.claim("name", test.second); conflict != test.conflict {
				t.Errorf("conflict %t, want %t", conflict, test.conflict)
			}
			if _, conflict := r.claim("other name", test.second); conflict {
				t.Error("claims of different things met")
			}
		})
	}
}

func TestRun_tryKeep(t *testing.T) {
	r, o := newRun(), object{"kvs_attachment", "a"}
	if !r.tryKeep(o) || !r.skipDelete(o) {
		t.Error("a creation did not get what nobody destroys, or a Delete did not leave it alone")
	}
	r = newRun()
	if r.skipDelete(o) || r.tryKeep(o) {
		t.Error("a creation got what a Delete is taking away")
	}
	go r.noteDeleted(o)
	r.awaitDeleted(t.Context(), o)
	if !r.deleted[o] {
		t.Error("the end of the Delete was not waited for")
	}
}

// Two instances that exchange their objects both claim what the other one gives up.
func TestRun_mayRemoveFormer(t *testing.T) {
	r, claimed, kept, free := newRun(), object{"kvs_attachment", "a"}, object{"kvs_attachment", "b"}, object{"kvs_attachment", "c"}
	r.claim("name of a", claim{value: "v"})
	if r.mayRemoveFormer(t.Context(), claimed, "name of a") || !r.tryKeep(claimed) {
		t.Error("an Update removes what another instance claims, or that instance cannot take it over any more")
	}
	r.noteKept(kept)
	if r.mayRemoveFormer(t.Context(), kept, "name of b") {
		t.Error("an Update removes what another instance keeps")
	}
	if !r.mayRemoveFormer(t.Context(), free, "name of c") || r.tryKeep(free) {
		t.Error("an Update leaves what nobody wants, or another instance takes over what it removes")
	}
}
