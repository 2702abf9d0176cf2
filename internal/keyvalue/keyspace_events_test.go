// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package keyvalue_test

import (
	"strings"
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

func TestParseKeyspaceEvents(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, in  string
		canonical string
		publishes bool
	}{
		{"none", "", "", false},
		{"a channel without a class publishes nothing", "K", "K", false},
		{"both channels without a class publish nothing", "EK", "KE", false},
		{"a class without a channel publishes nothing", "x", "x", false},
		{"all classes without a channel publish nothing", "A", "A", false},
		{"expired keys by event", "Ex", "xE", true},
		{"expired keys by key", "Kx", "xK", true},
		{"missed keys are a class too", "mE", "mE", true},
		{"A in front", "AKE", "AKE", true},
		{"A behind", "KEA", "AKE", true},
		{"A spelled out", "KEg$lshztxe", "AKE", true},
		{"A spelled out backwards", "extzhsl$gEK", "AKE", true},
		{"A does not hold m", "AmKE", "AmKE", true},
		{"everything", "KEg$lshztxem", "AmKE", true},
		{"one class short of A", "Kg$lshztx", "g$lshztxK", true},
		{"repeated flags count once", "KKxx", "xK", true},
		{"A swallows its own", "AxK", "AK", true},
		{"classes in canonical order", "$gK", "g$K", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := keyvalue.ParseKeyspaceEvents(tt.in)
			if err != nil {
				t.Fatal(err)
			}
			if got.String() != tt.canonical {
				t.Errorf("%q is written %q, want %q", tt.in, got, tt.canonical)
			}
			if got.Publishes() != tt.publishes {
				t.Errorf("%q publishes: %t, want %t", tt.in, got.Publishes(), tt.publishes)
			}
			if again, err := keyvalue.ParseKeyspaceEvents(tt.canonical); err != nil || again != got {
				t.Errorf("%q and %q are different sets (%v)", tt.in, tt.canonical, err)
			}
		})
	}
}

func TestEachKeyspaceFlagStandsForItself(t *testing.T) {
	t.Parallel()
	seen := map[keyvalue.KeyspaceEvents]rune{}
	for _, flag := range "KEg$lshztxem" {
		events, err := keyvalue.ParseKeyspaceEvents(string(flag))
		if err != nil || events.String() != string(flag) {
			t.Errorf("%q is written %q, %v", flag, events, err)
		}
		if other, taken := seen[events]; taken {
			t.Errorf("%q and %q are the same set", flag, other)
		}
		seen[events] = flag
		if class := !strings.ContainsRune("KE", flag); class {
			all, _ := keyvalue.ParseKeyspaceEvents("A")
			if inA := all&events != 0; inA != (flag != 'm') {
				t.Errorf("A holds %q: %t", flag, inA)
			}
			withChannel, _ := keyvalue.ParseKeyspaceEvents("K" + string(flag))
			if !withChannel.Publishes() {
				t.Errorf("K%c publishes nothing", flag)
			}
		}
	}
}

func TestParseKeyspaceEventsNamesTheBadCharacter(t *testing.T) {
	t.Parallel()
	for in, bad := range map[string]string{
		"KEy":      "'y'",
		"Disabled": "'D'",
		"k":        "'k'",
		"a":        "'a'",
		"AKE ":     "' '",
		"KE,x":     "','",
		"xé":       "'é'",
		"x\x00":    `'\x00'`,
		"x\xff":    "'�'",
	} {
		_, err := keyvalue.ParseKeyspaceEvents(in)
		if err == nil {
			t.Errorf("%q is accepted", in)
			continue
		}
		if !strings.HasPrefix(err.Error(), bad+" is not a keyspace event flag") {
			t.Errorf("%q: the error should name %s: %v", in, bad, err)
		}
		for _, flag := range "KEg$lshztxemA" {
			if !strings.Contains(err.Error(), " "+string(flag)+" (") {
				t.Errorf("%q: the error does not explain %q: %v", in, flag, err)
			}
		}
	}
}
