// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package keyvalue

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// Connection holds the parts of a Redis URL, percent-decoded.
type Connection struct {
	Scheme   string // "redis" or "rediss"
	TLS      bool   // the scheme is rediss
	Host     string // without brackets for an IPv6 address
	Port     int    // 6379 by default
	Username string // "" or "h" on Heroku, which checks only the password
	Password string
	Database int // 0 by default
}

// String omits the username and the password.
func (c Connection) String() string {
	return fmt.Sprintf("%s connection to %s:%d/%d", c.Scheme, c.Host, c.Port, c.Database)
}

// GoString omits the username and the password.
func (c Connection) GoString() string { return c.String() }

// RedisCLI returns the arguments of redis-cli for the connection, without the password, which belongs into the environment variable
// REDISCLI_AUTH. Heroku's user name is left out: Heroku checks only the password, and the Heroku CLI sends nothing else.
func (c Connection) RedisCLI() []string {
	arguments := []string{"-h", c.Host, "-p", strconv.Itoa(c.Port)}
	if c.Username != "" && c.Username != "h" && c.Username != "default" {
		arguments = append(arguments, "--user", c.Username)
	}
	if c.Database != 0 {
		arguments = append(arguments, "-n", strconv.Itoa(c.Database))
	}
	if c.TLS {
		arguments = append(arguments, "--tls", "--insecure")
	}
	return arguments
}

const urlExample = "rediss://:password@host:6379"

// ParseURL parses a redis:// or rediss:// URL. The database is in the path, or in the query parameter db; other query
// parameters are ignored. The error never contains any part of the URL, which holds a password.
func ParseURL(raw string) (Connection, error) {
	if raw == "" {
		return Connection{}, errors.New("the URL is empty: write for example " + urlExample)
	}
	scheme, rest, found := strings.Cut(raw, "://")
	scheme = strings.ToLower(scheme)
	if !found || (scheme != "redis" && scheme != "rediss") {
		return Connection{}, errors.New("the URL does not start with redis:// or rediss://: write for example " + urlExample)
	}
	// The error of url.Parse quotes the URL, so it is not wrapped.
	u, err := url.Parse(scheme + "://" + rest)
	// After an unencoded ? or # in a password, the part before it would be taken for the address.
	if err != nil || strings.Contains(rest, "#") || strings.Contains(u.RawQuery, "@") || strings.Contains(u.Hostname(), ":") &&
		u.Host[0] != '[' {
		return Connection{},
			errors.New("the URL cannot be read: a character of the user name or the password that is not a letter, a digit or one of -._~ " +
				"has to be percent-encoded (/ as %2F, # as %23), the port is a number, and an IPv6 address has brackets: write for example " +
				urlExample)
	}
	if u.Hostname() == "" {
		return Connection{}, errors.New("the URL has no host: write for example " + urlExample)
	}

	c := Connection{Scheme: scheme, TLS: scheme == "rediss", Host: u.Hostname(), Port: 6379, Username: u.User.Username()}
	c.Password, _ = u.User.Password()
	if port := u.Port(); port != "" {
		if c.Port, err = strconv.Atoi(port); err != nil || c.Port < 1 || c.Port > 65535 {
			return Connection{}, errors.New("the port in the URL is not a number from 1 to 65535: write for example " + urlExample)
		}
	}
	c.Database, err = databaseOf(u)
	if err != nil {
		return Connection{}, err
	}
	return c, nil
}

// databaseOf returns the number of the database. If the path and the query both have one, they must be the same, because
// clients disagree about which one counts.
func databaseOf(u *url.URL) (int, error) {
	named := u.Query()["db"]
	if path := strings.TrimPrefix(u.Path, "/"); path != "" {
		named = append(named, path)
	}
	database := 0
	for i, text := range named {
		n, err := strconv.ParseUint(text, 10, 31)
		if err != nil {
			return 0, errors.New("the path of the URL, or its db, is not the number of a database: write for example " + urlExample + "/0")
		}
		if i > 0 && int(n) != database {
			return 0, errors.New("the URL names two databases: write the number once, for example " + urlExample + "/0")
		}
		database = int(n)
	}
	return database, nil
}
