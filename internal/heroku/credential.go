// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/jdx/go-netrc"
)

// netrcMachine is the entry that Heroku's own tools write.
const netrcMachine = "api.heroku.com"

// ErrNoCredential says where a token is looked for.
var ErrNoCredential = errors.New("no Heroku API token was found: set the provider's api_key attribute, " +
	"or the HEROKU_API_KEY environment variable, or log in with the Heroku CLI, which writes the entry " +
	"for api.heroku.com into the netrc file")

// Credential is a token and, in words, where it came from. Every way of printing it shows the source only.
type Credential struct {
	Token  string
	Source string
}

// FindCredential takes the token from the attribute, from HEROKU_API_KEY, or from the netrc file (NETRC, NETRC_PATH,
// else ~/.netrc), in that order; the first one that is not empty counts. Without any it returns ErrNoCredential.
func FindCredential(attribute string, getenv func(string) string) (Credential, error) {
	if token := strings.TrimSpace(attribute); token != "" {
		return checked(Credential{Token: token, Source: "the provider's api_key attribute"})
	}
	if token := strings.TrimSpace(getenv("HEROKU_API_KEY")); token != "" {
		return checked(Credential{Token: token, Source: "the HEROKU_API_KEY environment variable"})
	}
	path := netrcPath(getenv)
	if path == "" {
		return Credential{}, ErrNoCredential
	}
	token, err := netrcToken(path)
	if err != nil {
		return Credential{}, err
	}
	if token == "" {
		return Credential{}, ErrNoCredential
	}
	return checked(Credential{Token: token, Source: "the netrc file " + path})
}

func netrcPath(getenv func(string) string) string {
	if path := cmp.Or(getenv("NETRC"), getenv("NETRC_PATH")); path != "" {
		return path
	}
	home := cmp.Or(getenv("HOME"), getenv("USERPROFILE"))
	if home == "" {
		return ""
	}
	return filepath.Join(home, ".netrc")
}

// netrcToken returns "" when the file or the entry does not exist. Its errors never quote the file.
func netrcToken(path string) (string, error) {
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("reading the netrc file: %w", err)
	}
	// A last entry of our own: the parser reads past the end of a file that ends in the word "machine".
	file, err := netrc.ParseString(string(content) + "\ndefault\n")
	if err != nil {
		return "", fmt.Errorf("the netrc file %s cannot be understood", path)
	}
	machine := file.Machine(netrcMachine)
	if machine == nil {
		return "", nil
	}
	return machine.Get("password"), nil
}

func checked(c Credential) (Credential, error) {
	if err := c.check(); err != nil {
		return Credential{}, err
	}
	return c, nil
}

// check refuses what cannot be a header value.
func (c Credential) check() error {
	if c.Token == "" {
		return ErrNoCredential
	}
	for _, r := range c.Token {
		if r <= ' ' || r > '~' {
			return fmt.Errorf("the token from %s contains a space, a line break or another character that no token has",
				cmp.Or(c.Source, "the configuration"))
		}
	}
	return nil
}

func (c Credential) String() string {
	return fmt.Sprintf("token %s from %s", redacted, cmp.Or(c.Source, "nowhere"))
}
func (c Credential) GoString() string             { return c.String() }
func (c Credential) Format(f fmt.State, _ rune)   { fmt.Fprint(f, c.String()) }
func (c Credential) MarshalJSON() ([]byte, error) { return json.Marshal(c.String()) }
func (c Credential) LogValue() slog.Value         { return slog.StringValue(c.String()) }
