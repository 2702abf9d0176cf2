// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// What tests outside of the package need of its inside, since those that use acctest cannot be in it.

// Frozen is one resource of a state file that a release has written.
type Frozen struct {
	Type            string         `json:"type"`
	Name            string         `json:"name"`
	Case            string         `json:"case"`
	Version         int64          `json:"schema_version"`
	Attributes      map[string]any `json:"attributes"`
	IdentityVersion int64          `json:"identity_schema_version"`
	Identity        map[string]any `json:"identity"`
}

// FrozenStates are those of all releases. leaks says what none of them may hold.
func FrozenStates(t *testing.T, leaks func([]byte) bool) (states []Frozen) {
	t.Helper()
	files, err := filepath.Glob("testdata/state-*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no release has frozen its states (%v)", err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var released []Frozen
		if err := json.Unmarshal(content, &released); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if leaks(content) {
			t.Errorf("%s has a URL with a password", file)
		}
		states = append(states, released...)
	}
	return states
}
