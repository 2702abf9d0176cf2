// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package keyvalue_test

import (
	"strings"
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

func TestDynoSize(t *testing.T) {
	t.Parallel()
	for size, want := range map[string]string{
		"Standard-1X": "standard-1x", "STANDARD-1X": "standard-1x", "eco": "eco", "Private-L-RAM": "private-l-ram",
		"Shield-L-RAM": "private-l-ram", "shield-s": "private-s", "dyno-2c-4gb": "dyno-2c-4gb",
	} {
		if got, err := keyvalue.DynoSize(size); got != want || err != nil {
			t.Errorf("%s is %q, %v, want %q", size, got, err, want)
		}
	}
	for _, size := range []string{"", " ", " Eco", "Eco\n"} {
		if got, err := keyvalue.DynoSize(size); err == nil {
			t.Errorf("%q is %q", size, got)
		}
	}
}

func TestCheckDynoSize(t *testing.T) {
	t.Parallel()
	const common, private, shield = keyvalue.CommonRuntime, keyvalue.PrivateSpace, keyvalue.ShieldSpace
	for size, fits := range map[string][]keyvalue.Location{
		"Eco": {common}, "basic": {common}, "Standard-2X": {common}, "performance-l-ram": {common},
		"Private-S": {private, shield}, "Shield-M": {shield},
		"dyno-2c-4gb": {common, private, shield}, "economic": {common, private, shield}, "standard": {common, private, shield},
	} {
		for _, location := range []keyvalue.Location{common, private, shield} {
			want := false
			for _, one := range fits {
				want = want || one == location
			}
			err := keyvalue.CheckDynoSize(size, location)
			if (err == nil) != want || err != nil && !strings.Contains(err.Error(), "choose ") {
				t.Errorf("%s in %s: %v", size, location, err)
			}
		}
	}
}

func TestKnownDynoSize(t *testing.T) {
	t.Parallel()
	for size, known := range map[string]bool{
		"Eco": true, "basic": true, "Standard-2X": true, "performance-l-ram": true, "Private-S": true, "Shield-M": true, "dyno-2c-4gb": true,
		"huge": false, "economic": false, "standard": false, "Standard2X": false,
	} {
		if keyvalue.KnownDynoSize(size) != known {
			t.Errorf("%s is known: %t", size, !known)
		}
	}
}

func TestValidateProcessType(t *testing.T) {
	t.Parallel()
	for name, ok := range map[string]bool{
		"web": true, "release_phase": true, "Worker-2": true, strings.Repeat("x", 128): true,
		"": false, "a b": false, "a/b": false, "größe": false, strings.Repeat("x", 129): false,
	} {
		if err := keyvalue.ValidateProcessType(name); (err == nil) != ok {
			t.Errorf("%q: %v", name, err)
		}
	}
	if keyvalue.ValidateDynoQuantity(0) != nil || keyvalue.ValidateDynoQuantity(-1) == nil {
		t.Error("none is a quantity, and less than none is not")
	}
}
