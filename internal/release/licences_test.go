// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package release

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// allowed are the licences of modules that may be linked into programs that are MPL-2.0.
var allowed = []string{
	"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MPL-2.0",
	"BSD-Source-Code", // what cyclonedx-gomod takes the BSD-3-Clause of golang.org/x for
}

// bill is what is read of a bill of materials in the format of CycloneDX.
type bill struct {
	Components []struct {
		Name, Version string
		Evidence      struct {
			Licenses []struct {
				License struct{ ID, Name string }
			}
		}
	}
}

func billOf(t *testing.T, path string) (b bill) {
	t.Helper()
	decode(t, path, &b)
	return b
}

// modules are those besides the standard library, in order.
func (b bill) modules() (all []string) {
	for _, c := range b.Components {
		if c.Name != "std" {
			all = append(all, c.Name+" "+c.Version)
		}
	}
	slices.Sort(all)
	return all
}

// Every module that is linked has a licence, and one that is allowed.
func TestLongLicences(t *testing.T) {
	if version == "" {
		t.Skip("make release-check runs it, with the tools that it needs")
	}
	clone := cloneInto(t, filepath.Join(t.TempDir(), "clone"))
	for program, least := range map[string]int{".": 20, "internal/cmd/kvs-sandbox": 6} {
		path := filepath.Join(t.TempDir(), "bill.json")
		run(t, clone, nil, filepath.Join(tools, "cyclonedx-gomod"), "app", "-json", "-licenses", "-main", program, "-output", path, ".")
		components := billOf(t, path).Components
		if len(components) < least {
			t.Errorf("only %d modules were found in %s", len(components), program)
		}
		for _, c := range components {
			var licences []string
			for _, l := range c.Evidence.Licenses {
				licences = append(licences, l.License.ID+l.License.Name)
			}
			t.Logf("%s %s: %s", c.Name, c.Version, strings.Join(licences, ", "))
			forbidden := slices.ContainsFunc(licences, func(l string) bool { return !slices.Contains(allowed, l) })
			if len(licences) == 0 || forbidden {
				t.Errorf("%s has the licences %q; allowed are %q", c.Name, licences, allowed)
			}
		}
	}
}
