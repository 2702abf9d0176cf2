// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package keyvalue_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

func TestSpaceNames(t *testing.T) {
	t.Parallel()
	for _, ok := range []string{"acme-prod", "abc", "123", "a-b", "1-2-3-4", "a1b", "my-space-name", strings.Repeat("a", 100)} {
		if err := keyvalue.ValidateSpaceName(ok); err != nil {
			t.Errorf("%q: %v", ok, err)
		}
	}
	for name, bad := range map[string]string{
		"nothing":             "",
		"one character":       "a",
		"two characters":      "ab",
		"upper case":          "Acme-prod",
		"a dash in front":     "-acme",
		"a dash at the end":   "acme-",
		"two dashes together": "acme--prod",
		"three dashes":        "a---b",
		"dashes only":         "---",
		"an underscore":       "acme_prod",
		"a dot":               "acme.prod",
		"a space":             "acme prod",
		"a line feed":         "acme-prod\n",
		"a second line":       "acme\nprod",
		"another script":      "acmé-prod",
		"a slash":             "acme/prod",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := keyvalue.ValidateSpaceName(bad)
			if err == nil {
				t.Fatalf("%q is accepted", bad)
			}
			_, proposal, _ := strings.Cut(err.Error(), `write for example "`)
			if e := keyvalue.ValidateSpaceName(strings.TrimSuffix(proposal, `"`)); e != nil {
				t.Errorf("the example is refused as well: %v", err)
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("%q", err)
			}
		})
	}
}

func TestPrivateRegions(t *testing.T) {
	t.Parallel()
	want := []string{"dublin", "frankfurt", "london", "montreal", "mumbai", "oregon", "singapore", "sydney", "tokyo", "virginia"}
	keyvalue.PrivateRegions()[0] = "changed"
	if got := keyvalue.PrivateRegions(); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Heroku's reference gives the default data network only as an observation ("default seen"), so it is checked against the rules.
func TestDefaultNetworksAreValid(t *testing.T) {
	t.Parallel()
	for _, err := range []error{
		keyvalue.ValidateDynoCIDR(keyvalue.DefaultDynoCIDR),
		keyvalue.ValidateDataCIDR(keyvalue.DefaultDataCIDR),
		keyvalue.ValidateSpaceNetworks(keyvalue.DefaultDynoCIDR, keyvalue.DefaultDataCIDR),
	} {
		if err != nil {
			t.Error(err)
		}
	}
}

func TestSpacePriceCents(t *testing.T) {
	t.Parallel()
	if private, shield := keyvalue.SpacePriceCents(false), keyvalue.SpacePriceCents(true); private != 100000 || shield != 300000 {
		t.Errorf("a Private Space costs %d cents a month, a Shield Space %d", private, shield)
	}
}

func TestLogDrainURLs(t *testing.T) {
	t.Parallel()
	for _, ok := range []string{"https://logs.example.com", "https://user:secret@logs.example.com:6514/in?token=secret"} {
		if err := keyvalue.ValidateLogDrainURL(ok); err != nil {
			t.Errorf("%q: %v", ok, err)
		}
	}
	for _, bad := range []string{
		"", " ", "https://", "https:///secret", "http://secret.example.com", "HTTPS://secret.example.com", "syslog+tls://secret.example.com:6514",
		"secret.example.com", "https://secret host", "https://[::1",
	} {
		err := keyvalue.ValidateLogDrainURL(bad)
		if err == nil || strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), "https://") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestGenerations(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		generation string
		shield, ok bool
	}{{"", true, true}, {"cedar", true, true}, {"fir", false, true}, {"fir", true, false}, {"oak", true, true}} {
		if err := keyvalue.ValidateGeneration(c.generation, c.shield); (err == nil) != c.ok {
			t.Errorf("%q, shield %t: %v", c.generation, c.shield, err)
		}
	}
	for _, c := range []struct {
		from, to string
		refused  bool
	}{{"cedar", "fir", true}, {"cedar", "cedar", false}, {"fir", "fir", false}, {"fir", "cedar", false}, {"", "fir", false}, {"cedar", "", false}} {
		if got := keyvalue.ForkRefusal(c.from, c.to); (got != "") != c.refused {
			t.Errorf("%q to %q: %q", c.from, c.to, got)
		}
	}
}
