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
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// The Heroku CLI writes a netrc entry for platformHost only, and sends its token to both hosts.
const (
	platformHost = "api.heroku.com"
	dataHost     = "api.data.heroku.com"
)

// ErrNoCredential means that no token was found. Its text lists the places that were searched.
var ErrNoCredential = errors.New("no Heroku API token was found: set the provider's api_key attribute, " +
	"or the HEROKU_API_KEY environment variable, or log in with the Heroku CLI, which writes the entry " +
	"for api.heroku.com into the netrc file")

// ErrUnusableNetrc means that the token should come from a netrc file, and cannot be read from it.
var ErrUnusableNetrc = errors.New("the netrc file cannot be used")

// Credential is a token with a description of its source. However it is printed, only the source is shown.
type Credential struct {
	Token  string
	Source string
	// Host is the host of the netrc entry, the only one that the token may be sent to. It is empty for a token from the
	// configuration or the environment, which may be sent to the configured hosts.
	Host string
}

// FindCredential returns the first token that is not empty, of the attribute, HEROKU_API_KEY and the netrc file (NETRC,
// NETRC_PATH, or ~/.netrc). In the netrc file only the entry for the host of apiURL is used, and its token is sent to no other
// host. The error is ErrNoCredential if there is no token.
func FindCredential(attribute string, getenv func(string) string, apiURL string) (Credential, error) {
	if token := strings.TrimSpace(attribute); token != "" {
		return validated(Credential{Token: token, Source: "the provider's api_key attribute"})
	}
	if token := strings.TrimSpace(getenv("HEROKU_API_KEY")); token != "" {
		return validated(Credential{Token: token, Source: "the HEROKU_API_KEY environment variable"})
	}
	path := netrcPath(getenv)
	if path == "" {
		return Credential{}, ErrNoCredential
	}
	host := hostOf(cmp.Or(apiURL, defaultAPIURL))
	token, listed, err := netrcToken(path, host)
	if err != nil {
		return Credential{}, err
	}
	if token == "" && listed {
		return Credential{}, fmt.Errorf("%w: the netrc file %s has an entry for %s, and no password in it", ErrUnusableNetrc, path, host)
	}
	if token == "" && host != platformHost {
		return Credential{}, fmt.Errorf("%w. The API URL names the host %q, and the netrc file has no entry for it; "+
			"the entry for api.heroku.com is not sent there", ErrNoCredential, host)
	}
	if token == "" {
		return Credential{}, ErrNoCredential
	}
	return validated(Credential{Token: token, Source: "the netrc file " + path, Host: host})
}

// hostOf returns the normalised host of a URL, see [hostName]; it is empty if the URL has none.
func hostOf(raw string) string {
	u, err := url.Parse(strings.TrimSpace(raw))
	if err != nil {
		return ""
	}
	return hostName(u.Host)
}

// hostName normalises a host for comparison: without its port, in lower case.
func hostName(host string) string {
	return strings.TrimSuffix(strings.ToLower((&url.URL{Host: host}).Hostname()), ".")
}

// isLoopback reports whether a host is the local machine, without asking a resolver (RFC 6761, section 6.3).
func isLoopback(host string) bool {
	address, err := netip.ParseAddr(hostName(host))
	return hostName(host) == "localhost" || err == nil && address.Unmap().IsLoopback()
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

// netrcToken returns the password of the host's entry, and "" if there is no file, no entry or no password. listed means that
// there is an entry. Its errors never quote the file.
func netrcToken(path, host string) (token string, listed bool, err error) {
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("%w: %w", ErrUnusableNetrc, err)
	}
	token, listed, err = netrcPassword(string(content), host)
	if err != nil {
		return "", false, fmt.Errorf("%w: %s cannot be understood: %w", ErrUnusableNetrc, path, err)
	}
	if info, err := os.Stat(path); token != "" && err == nil && info.Mode().Perm()&0o004 != 0 && runtime.GOOS != "windows" {
		return "", true, fmt.Errorf("%w: %s holds a token for %s and can be read by every user of this machine (its mode is %04o): "+
			"run chmod 600 on it, and consider to revoke the token", ErrUnusableNetrc, path, host, info.Mode().Perm())
	}
	return token, listed, nil
}

func validated(c Credential) (Credential, error) {
	if err := c.check(); err != nil {
		return Credential{}, err
	}
	return c, nil
}

// check returns an error for a token that cannot be the value of a header.
func (c Credential) check() error {
	if c.Token == "" {
		return ErrNoCredential
	}
	source := cmp.Or(c.Source, "the configuration")
	for _, r := range c.Token {
		if r <= ' ' || r > '~' {
			return fmt.Errorf("the token from %s contains a space, a line break or another character that no token has", source)
		}
	}
	if quotes := `"'`; strings.Trim(c.Token, quotes) != c.Token {
		return fmt.Errorf("the token from %s begins or ends with a quotation mark, which no token does", source)
	}
	return nil
}

// checkHosts returns an error if the token would be sent to a host that it is not meant for.
func (c Credential) checkHosts(platform, data string) error {
	for what, host := range map[string]string{"API URL": hostName(platform), "Data API URL": hostName(data)} {
		if c.Host != "" && host != c.Host && (c.Host != platformHost || host != dataHost) {
			return fmt.Errorf("%s: %s has the token for the host %s, and it is not sent to %s. If it is meant for both, "+
				"give it in the HEROKU_API_KEY environment variable or as api_key", what, c.Source, c.Host, host)
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
