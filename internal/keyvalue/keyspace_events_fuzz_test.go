// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package keyvalue_test

import (
	"slices"
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// Flags are a set: their order and repetitions do not matter, and the printed set parses to the same set.
func FuzzKeyspaceEvents(f *testing.F) {
	for _, pair := range [][2]string{{"", "AKE"}, {"KEg$lshztxe", "A"}, {"Ex", "xE"}, {"m", "x\xff"}, {"Dis", "abled"}} {
		f.Add(pair[0], pair[1])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		left, errLeft := keyvalue.ParseKeyspaceEvents(a)
		right, errRight := keyvalue.ParseKeyspaceEvents(b)
		both, err := keyvalue.ParseKeyspaceEvents(a + b)
		if (err == nil) != (errLeft == nil && errRight == nil) {
			t.Fatalf("%q: %v, %q: %v, together: %v", a, errLeft, b, errRight, err)
		}
		if err != nil {
			if both != 0 {
				t.Errorf("%q: an error comes with events: %v", a+b, both)
			}
			return
		}
		if both != left|right {
			t.Errorf("%q and %q are %v together", a, b, both)
		}
		reversed := []rune(a + b)
		slices.Reverse(reversed)
		if backwards, err := keyvalue.ParseKeyspaceEvents(string(reversed)); err != nil || backwards != both {
			t.Errorf("%q backwards is %v, %v", a+b, backwards, err)
		}
		if again, _ := keyvalue.ParseKeyspaceEvents(both.String()); again != both {
			t.Errorf("%q is written %q, and then %q", a+b, both, again)
		}
		if both.Publishes() != (both&keysAndEvents != 0 && both&^keysAndEvents != 0) {
			t.Errorf("%q publishes: %t", both, both.Publishes())
		}
	})
}

var keysAndEvents, _ = keyvalue.ParseKeyspaceEvents("KE")
