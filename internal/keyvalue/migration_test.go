// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package keyvalue_test

import (
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

const oldStore = "7c4e2a90-3b5d-4f8e-a1c6-d2e3f4a5b6c7"

// What Heroku would refuse as a name would end a replacement half-way.
func TestMigrationNames_areValid(t *testing.T) {
	t.Parallel()
	for _, name := range []string{keyvalue.ForkName(oldStore), keyvalue.RetiredName("acme-cache", oldStore)} {
		if err := keyvalue.ValidateAddOnName(name); err != nil {
			t.Error(err)
		}
	}
	seen := map[string]bool{}
	for _, name := range []string{keyvalue.MigrationMark(oldStore), keyvalue.RetiredAttachment(oldStore), keyvalue.ForkAttachment(oldStore)} {
		if err := keyvalue.ValidateAttachmentName(name); err != nil {
			t.Error(err)
		}
		if seen[name] {
			t.Errorf("%s has two meanings", name)
		}
		seen[name] = true
	}
}

func TestOriginalName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]struct {
		original string
		retired  bool
	}{
		keyvalue.RetiredName("acme-cache", oldStore): {"acme-cache", true},
		"acme-cache":                            {"acme-cache", false},
		"acme-cache-retired-00000000":           {"acme-cache-retired-00000000", false}, // another store's
		"acme-cache-retired-7c4e2a90-elsewhere": {"acme-cache-retired-7c4e2a90-elsewhere", false},
	} {
		original, retired := keyvalue.OriginalName(name, oldStore)
		if original != want.original || retired != want.retired {
			t.Errorf("%q: %q, %t; want %q, %t", name, original, retired, want.original, want.retired)
		}
	}
}
