// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
)

// fromNetrc calls FindCredential with a netrc file that has this content and mode.
func fromNetrc(t *testing.T, content string, mode os.FileMode, apiURL string) (heroku.Credential, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "netrc")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return heroku.FindCredential("", func(name string) string { return map[string]string{"NETRC": path}[name] }, apiURL)
}

func TestNetrc_isReadAsCurlAndGitReadIt(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		content, token string
		entry          bool // there is an entry without a password
	}{
		"in lines":                      {"machine api.heroku.com\n\tlogin me\n\tpassword secret\n", "secret", false},
		"in one line, ended as Windows": {"machine api.heroku.com login me password secret\r\n", "secret", false},
		"in another case, with a dot":   {"machine API.Heroku.com. login me password secret", "secret", false},
		"the password first":            {"machine api.heroku.com password secret login me", "secret", false},
		"quoted":                        {`machine "api.heroku.com" login "me too" password "se\"cr\\et"`, `se"cr\et`, false},
		"with a hash in it":             {"machine api.heroku.com login me password sec#ret", "sec#ret", false},
		"a hash at its beginning":       {"machine api.heroku.com login me password #secret", "#secret", false},
		"after comments": {
			"# machine api.heroku.com login x password wrong\nmachine api.heroku.com # password wrong\nlogin me # ours\npassword secret", "secret",
			false},
		"the first of two": {"machine api.heroku.com login me password secret\nmachine api.heroku.com login me password other",
			"secret", false},
		"values that are keywords": {
			"machine example.com login machine password api.heroku.com\nmachine api.heroku.com login password password secret", "secret", false},
		"a macro that looks like one": {
			"macdef init\nmachine api.heroku.com login x password wrong\n\nmachine api.heroku.com login me password secret", "secret", false},
		"a macro within an entry": {"machine api.heroku.com login me macdef init\npassword wrong\n\npassword secret", "secret", false},
		"only in a macro": {"machine example.com login me password x\nmacdef init\nmachine api.heroku.com login x password wrong",
			"", false},
		"of the default entry": {"machine api.heroku.com login me\ndefault login x password wrong", "", true},
		"of another host": {"machine heroku.com login x password wrong\nmachine evil-api.heroku.com login x password wrong", "",
			false},
		"an entry that ends early":       {"machine api.heroku.com login me password", "", true},
		"an unknown word between":        {"machine api.heroku.com unknown login me password secret", "secret", false},
		"the name of a host as password": {"machine example.com password machine login api.heroku.com password wrong", "", false},
	} {
		got, err := fromNetrc(t, test.content, 0o600, "")
		if got.Token != test.token || errors.Is(err, heroku.ErrNoCredential) != (test.token == "" && !test.entry) ||
			errors.Is(err, heroku.ErrUnusableNetrc) != test.entry {
			t.Errorf("%s: %q, %v; want %q", name, got.Token, err, test.token)
		}
	}
	_, err := fromNetrc(t, "machine api.heroku.com login me password \"canary\nmachine x", 0o600, "")
	if err == nil || !strings.Contains(err.Error(), "a quote is not closed") || strings.Contains(err.Error(), "canary") {
		t.Errorf("an open quote: %v", err)
	}
}

func TestNetrc_thatEverybodyCanReadIsRefused(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		return // files have no such mode there
	}
	const entry = "machine api.heroku.com login me password canary"
	for mode, refused := range map[os.FileMode]bool{0o600: false, 0o400: false, 0o640: false, 0o644: true, 0o604: true, 0o666: true} {
		got, err := fromNetrc(t, entry, mode, "")
		if refused != (err != nil) || refused == (got.Token != "") {
			t.Errorf("%o: %q, %v", mode, got.Token, err)
		}
		if refused && (!strings.Contains(err.Error(), "chmod 600") || strings.Contains(err.Error(), "canary") ||
			errors.Is(err, heroku.ErrNoCredential)) {
			t.Errorf("%o: %v", mode, err)
		}
	}
	if _, err := fromNetrc(t, "machine example.com login me password x", 0o644, ""); !errors.Is(err, heroku.ErrNoCredential) {
		t.Errorf("a file that holds no token of Heroku's: %v", err)
	}
}

// The token of a netrc entry is sent only to the host that the entry names, whatever URLs are configured.
func TestNetrc_tokenGoesToTheHostThatItNames(t *testing.T) {
	t.Parallel()
	const entries = "machine api.heroku.com login me password for-heroku\nmachine localhost login me password for-sandbox\n"
	for name, test := range map[string]struct{ api, data, token, says string }{
		"Heroku's hosts":              {"", "", "for-heroku", ""},
		"Heroku's hosts, spelled out": {"https://API.heroku.com:443/", "https://api.data.heroku.com", "for-heroku", ""},
		"the sandbox":                 {"http://localhost:5000", "http://localhost:5001", "for-sandbox", ""},
		"a host without an entry":     {"https://api.example.com", "https://api.example.com", "", "api.example.com"},
		"a host that ends alike":      {"https://api.heroku.com.example.com", "", "", "api.heroku.com.example.com"},
		"another Data API":            {"", "https://data.example.com", "for-heroku", "not sent to data.example.com"},
		"the real Data API":           {"http://localhost:5000", "", "for-sandbox", "not sent to api.data.heroku.com"},
	} {
		credential, err := fromNetrc(t, entries, 0o600, test.api)
		if credential.Token != test.token || (test.token == "") != errors.Is(err, heroku.ErrNoCredential) {
			t.Errorf("%s: %q, %v; want %q", name, credential.Token, err, test.token)
		}
		if test.token != "" {
			_, err = heroku.New(heroku.Options{APIURL: test.api, DataAPIURL: test.data, Credential: credential})
		}
		if (test.says == "") != (err == nil) || err != nil && (!strings.Contains(err.Error(), test.says) ||
			strings.Contains(err.Error(), "for-")) {
			t.Errorf("%s: %v; want that it says %q", name, err, test.says)
		}
	}
}
