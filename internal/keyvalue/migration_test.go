// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package keyvalue_test

import (
	"strings"
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

const oldStore = "7c4e2a90-3b5d-4f8e-a1c6-d2e3f4a5b6c7"

// A name that Heroku refuses would stop a replacement half-way.
func TestMigrationNames_areValid(t *testing.T) {
	t.Parallel()
	for _, name := range []string{keyvalue.ForkName(oldStore), keyvalue.RetiredName("acme-cache", oldStore)} {
		if err := keyvalue.ValidateAddOnName(name); err != nil {
			t.Error(err)
		}
	}
	seen := map[string]bool{}
	for _, name := range []string{keyvalue.MigrationMarker(oldStore), keyvalue.RetiredAttachment(oldStore), keyvalue.ForkAttachment(oldStore),
		keyvalue.Lease(oldStore, "9f1c03ab")} {
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
		"acme-cache-retired-00000000":           {"acme-cache-retired-00000000", false}, // the name of another store
		"acme-cache-retired-7c4e2a90-elsewhere": {"acme-cache-retired-7c4e2a90-elsewhere", false},
	} {
		original, retired := keyvalue.OriginalName(name, oldStore)
		if original != want.original || retired != want.retired {
			t.Errorf("%q: %q, %t; want %q, %t", name, original, retired, want.original, want.retired)
		}
	}
}

func TestLease(t *testing.T) {
	t.Parallel()
	const another = "fc3930ae-3b5d-4f8e-a1c6-d2e3f4a5b6c7"
	for name, want := range map[string]bool{
		keyvalue.Lease(oldStore, "9f1c03ab"):  true,
		keyvalue.Lease(oldStore, "00000000"):  true, // of another run
		keyvalue.Lease(another, "9f1c03ab"):   false,
		keyvalue.MigrationMarker(oldStore):    false,
		keyvalue.ForkAttachment(oldStore):     false,
		"REDIS":                               false,
		"KVS_LEASE_" + "7C4E2A90":             false, // of no run
		"KVS_LEASE_" + "7c4e2a90" + "_123456": false, // Heroku's names are in upper case
	} {
		if got := keyvalue.IsLease(name, oldStore); got != want {
			t.Errorf("%s: %t, want %t", name, got, want)
		}
	}
}

func TestSucceeds(t *testing.T) {
	t.Parallel()
	const proof = "KVS_FORK_7C4E2A90"
	for name, test := range map[string]struct {
		configVars  []string
		succeeds    bool
		successions string
	}{
		"the proof beside others":    {[]string{"REDIS_URL", proof + "_URL"}, true, proof},
		"no proof":                   {[]string{"REDIS_URL"}, false, ""},
		"none yet":                   {nil, false, ""},
		"the proof of another store": {[]string{"KVS_FORK_FC3930AE_URL"}, false, "KVS_FORK_FC3930AE"},
		"two generations":            {[]string{proof + "_URL", "KVS_FORK_FC3930AE_URL"}, true, proof + " KVS_FORK_FC3930AE"},
		"a name that begins so":      {[]string{proof + "_COPY_URL"}, false, ""},
		"a variable that is no URL":  {[]string{proof}, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := keyvalue.Succeeds(test.configVars, oldStore); got != test.succeeds {
				t.Errorf("succeeds: %t, want %t", got, test.succeeds)
			}
			if got := strings.Join(keyvalue.Successions(test.configVars), " "); got != test.successions {
				t.Errorf("successions: %q, want %q", got, test.successions)
			}
		})
	}
}
