// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
)

func TestFindCredential(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const entry = "machine git.heroku.com\n  login ops@acme.example\n  password other\nmachine api.heroku.com\n  login ops@acme.example\n  " +
		"password %\n"
	home := filepath.Join(dir, "home")
	inHome := file("home/.netrc", strings.Replace(entry, "%", "from-home", 1))
	netrc := file("netrc", strings.Replace(entry, "%", "from-netrc", 1))
	netrcPath := file("netrc-path", "machine api.heroku.com login x password from-netrc-path # a comment")

	for name, c := range map[string]struct {
		attribute     string
		env           map[string]string
		token, source string // both empty: ErrNoCredential
	}{
		"the attribute comes first": {"attr", map[string]string{"HEROKU_API_KEY": "env", "NETRC": netrc}, "attr",
			"the provider's api_key attribute"},
		"then the environment": {"", map[string]string{"HEROKU_API_KEY": "env", "NETRC": netrc}, "env",
			"the HEROKU_API_KEY environment variable"},
		"blanks count as absent": {" \n", map[string]string{"HEROKU_API_KEY": " ", "NETRC": netrc}, "from-netrc", "the netrc file " +
			netrc},
		"a line break at the end is cut": {"attr\n", nil, "attr", "the provider's api_key attribute"},
		"then NETRC": {"", map[string]string{"NETRC": netrc, "NETRC_PATH": netrcPath, "HOME": home}, "from-netrc",
			"the netrc file " + netrc},
		"then NETRC_PATH": {"", map[string]string{"NETRC_PATH": netrcPath, "HOME": home}, "from-netrc-path", "the netrc file " +
			netrcPath},
		"then the home directory":          {"", map[string]string{"HOME": home}, "from-home", "the netrc file " + inHome},
		"no home directory":                {"", nil, "", ""},
		"no netrc file":                    {"", map[string]string{"HOME": dir + "/nowhere"}, "", ""},
		"a netrc file without the machine": {"", map[string]string{"NETRC": file("a", "machine example.com login x password y")}, "", ""},
		"an empty netrc file":              {"", map[string]string{"NETRC": file("c", "")}, "", ""},
		"a netrc file that ends early":     {"", map[string]string{"NETRC": file("d", "machine")}, "", ""},
		"a default entry is not meant":     {"", map[string]string{"NETRC": file("e", "default login x password y")}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := heroku.FindCredential(c.attribute, func(key string) string { return c.env[key] }, "")
			if c.token == "" {
				if !errors.Is(err, heroku.ErrNoCredential) {
					t.Error(got.Token, err)
				}
				return
			}
			if err != nil || got.Token != c.token || got.Source != c.source {
				t.Errorf("%q from %q, %v", got.Token, got.Source, err)
			}
		})
	}
}

func TestNoCredentialNamesTheThreePlaces(t *testing.T) {
	t.Parallel()
	for _, place := range []string{"api_key", "HEROKU_API_KEY", "netrc"} {
		if !strings.Contains(heroku.ErrNoCredential.Error(), place) {
			t.Errorf("%v does not name %s", heroku.ErrNoCredential, place)
		}
	}
}

func TestBadCredentialIsRefusedWithoutShowingIt(t *testing.T) {
	t.Parallel()
	none := func(string) string { return "" }
	for _, bad := range []string{"canary\nX-Evil: 1", "canary canary", "canary\x00", "canaryü", `"canary"`, "'canary'"} {
		_, err := heroku.FindCredential(bad, none, "")
		if err == nil || strings.Contains(err.Error(), "canary") || !strings.Contains(err.Error(), "api_key") {
			t.Errorf("%q: %v", bad, err)
		}
		if _, err := heroku.New(heroku.Options{Credential: heroku.Credential{Token: bad}}); err == nil {
			t.Errorf("New accepts %q", bad)
		}
	}
	misspelt := filepath.Join(t.TempDir(), "netrc")
	if err := os.WriteFile(misspelt, []byte("machine api.heroku.com login x passwort canary"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, unusable := range []string{t.TempDir(), misspelt} {
		if _, err := heroku.FindCredential("", func(key string) string { return map[string]string{"NETRC": unusable}[key] }, ""); !errors.Is(err,
			heroku.ErrUnusableNetrc) ||
			errors.Is(err, heroku.ErrNoCredential) || strings.Contains(err.Error(), "canary") {
			t.Errorf("a netrc file that cannot be used: %v", err)
		}
	}
}

func TestNewRefusesURLsThatAreNotBaseURLs(t *testing.T) {
	t.Parallel()
	credential := heroku.Credential{Token: token, Source: "the test"}
	for _, u := range []string{
		"api.heroku.com", "ftp://api.heroku.com", "https://", "https://:80", "https://user:canary@api.heroku.com",
		"https://canary@api.heroku.com",
		"http://api.heroku.com", "http://sandbox:5000", "http://127.0.0.1.example", "http://localhost.example", "http://10.0.0.1",
		"http://[2001:db8::1]", "http://0.0.0.0",
		"https://api.heroku.com?key=canary", "https://api.heroku.com#canary", "https://api heroku.com/canary", "://canary", "https://h/%zzcanary",
	} {
		for _, o := range []heroku.Options{{APIURL: u, Credential: credential}, {DataAPIURL: u, Credential: credential}} {
			_, err := heroku.New(o)
			if err == nil || strings.Contains(err.Error(), "canary") {
				t.Errorf("%q: %v", u, err)
			}
		}
	}
	for _, u := range []string{"", "https://api.heroku.com", "https://api.heroku.com/", "http://127.0.0.1:5000/", "http://[::1]:5000/base",
		"http://localhost:5000", "HTTP://LOCALHOST", "http://127.8.9.10"} {
		if _, err := heroku.New(heroku.Options{APIURL: u, DataAPIURL: u, Credential: credential}); err != nil {
			t.Errorf("%q: %v", u, err)
		}
	}
	if _, err := heroku.New(heroku.Options{}); !errors.Is(err, heroku.ErrNoCredential) {
		t.Error(err)
	}
}

func TestRefusedTokenCanBeTracedToItsSource(t *testing.T) {
	t.Parallel()
	srv := serve(t, outcome("401"))
	c := srv.client(t)
	if _, err := c.RateLimit(t.Context()); !heroku.HasID(err, "unauthorized") {
		t.Error(err)
	}
	if c.Credential().Source != "the test" || c.Credential().Token != token {
		t.Error(c.Credential().Source)
	}
}
