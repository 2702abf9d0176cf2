// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package keyvalue_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

func TestNames(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		kind     string
		validate func(string) error
		good     []string
		bad      []string
		says     []string // the grammar and an example
	}{
		{
			"add-on", keyvalue.ValidateAddOnName,
			[]string{"ab", "acme-cache", "redis-curved-48210", "Acme_Cache-2", "a" + strings.Repeat("b", 100)},
			[]string{"", "a", "1cache", "-cache", "_cache", "acme cache", "acme.cache", "cäche", "cache\n"},
			[]string{"starts with a letter", "digits, dashes or underscores", `"acme-cache"`},
		},
		{
			"app", keyvalue.ValidateAppName,
			[]string{"abc", "acme-web", "a-1", "a--b", "a" + strings.Repeat("b", 29)},
			[]string{"", "ab", "Acme_", "1app", "-app", "app-", "my_app", "my.app", "a" + strings.Repeat("b", 30), "app\n"},
			[]string{"3 to 30 lower-case letters", "does not end with a dash", `"acme-web"`},
		},
		{
			"attachment", keyvalue.ValidateAttachmentName,
			[]string{"REDIS", "CACHE", "HEROKU_REDIS_COBALT", "A1", "A_"},
			[]string{"", "A", "1A", "_A", "MY-CACHE", "MY CACHE", "CÄCHE", "CACHE\n"},
			[]string{"starts with an upper-case letter", "digits or underscores", `"CACHE"`, "CACHE_URL"},
		},
	} {
		t.Run(tt.kind, func(t *testing.T) {
			t.Parallel()
			for _, s := range tt.good {
				if err := tt.validate(s); err != nil {
					t.Errorf("%q: %v", s, err)
				}
			}
			for _, s := range tt.bad {
				err := tt.validate(s)
				if err == nil {
					t.Errorf("%q is accepted", s)
					continue
				}
				for _, say := range tt.says {
					if !strings.Contains(err.Error(), say) {
						t.Errorf("%q: the error should say %q: %v", s, say, err)
					}
				}
			}
		})
	}
}

func TestNamesInCapitalsGetTheirSpellingSuggested(t *testing.T) {
	t.Parallel()
	for bad, err := range map[string]error{
		"Acme-Web":  keyvalue.ValidateAppName("Acme-Web"),
		" acme-web": keyvalue.ValidateSpaceName(" acme-web"),
		"ACME-WEB":  keyvalue.ValidateSpaceName("ACME-WEB"),
	} {
		if err == nil || !strings.HasSuffix(err.Error(), `write for example "acme-web"`) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestAttachmentNameInLowerCaseGetsTheUpperCaseOneSuggested(t *testing.T) {
	t.Parallel()
	err := keyvalue.ValidateAttachmentName("my_cache")
	if err == nil || !strings.Contains(err.Error(), `"MY_CACHE"`) || !strings.Contains(err.Error(), "MY_CACHE_URL") {
		t.Errorf("got %v", err)
	}
}

func TestAttachmentNameThatIsAConfigVar(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"REDIS_URL": `"REDIS_URL" as the name of an attachment would give the config var REDIS_URL_URL: ` +
			`write for example "REDIS", which gives the config var REDIS_URL`,
		"MY_URL_URL":  `write for example "MY", which gives the config var MY_URL`,
		"redis_url":   `write for example "REDIS", which gives the config var REDIS_URL`,
		"CACHE_URL ":  `write for example "CACHE", which`,
		"A_URL":       "",
		"URL":         "",
		"CACHE_URLS":  "",
		"THE_URL_ONE": "",
	} {
		if err := keyvalue.ValidateAttachmentName(in); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", in, err, want)
		}
	}
}

func TestStoreName(t *testing.T) {
	t.Parallel()
	grammar := regexp.MustCompile(`^kvs-[a-z2-7]{12}$`)
	seen := map[string]bool{}
	for _, app := range []string{"7c4e2a90-3b5d-4f8e-a1c6-d2e3f4a5b6c7", "7c4e2a90-3b5d-4f8e-a1c6-d2e3f4a5b6c8"} {
		for _, attachment := range []string{"", "REDIS", "CACHE"} {
			for n := range 3 {
				name := keyvalue.StoreName(app, attachment, n)
				if !grammar.MatchString(name) || keyvalue.ValidateAddOnName(name) != nil {
					t.Errorf("%q is not a store name", name)
				}
				if seen[name] {
					t.Errorf("%q has two meanings", name)
				}
				if seen[name] = true; name != keyvalue.StoreName(app, attachment, n) {
					t.Errorf("%q is another one the next time", name)
				}
			}
		}
	}
}

func TestConfigVars(t *testing.T) {
	t.Parallel()
	if got := keyvalue.ConfigVar(keyvalue.PrimaryAttachment); got != "REDIS_URL" {
		t.Errorf("the primary attachment sets %s", got)
	}
	got := keyvalue.AttachmentNames([]string{
		"REDIS_URL", "REDIS_BASTIONS", "REDIS_BASTION_KEY", "REDIS_BASTION_REKEYS_AFTER",
		"HEROKU_REDIS_COBALT_URL", "CACHE_URL", "_URL", "URL", "cache_url", "CACHE_URLS", "",
	})
	if want := []string{"REDIS", "HEROKU_REDIS_COBALT", "CACHE"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := keyvalue.AttachmentNames(nil); len(got) != 0 {
		t.Errorf("no config vars give %q", got)
	}
}
