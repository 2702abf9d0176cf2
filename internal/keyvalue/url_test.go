// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package keyvalue_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

func TestParseURL(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, in string
		want     keyvalue.Connection
	}{
		{
			"a store of today", "rediss://:p8f1c0de@ec2-203-0-113-40.compute-1.amazonaws.com:6380",
			keyvalue.Connection{"rediss", true, "ec2-203-0-113-40.compute-1.amazonaws.com", 6380, "", "p8f1c0de", 0},
		},
		{"a user name", "rediss://h:pw@host:7929", keyvalue.Connection{"rediss", true, "host", 7929, "h", "pw", 0}},
		{"without TLS", "redis://h:pw@host:7929", keyvalue.Connection{"redis", false, "host", 7929, "h", "pw", 0}},
		{"the default port", "rediss://:pw@host", keyvalue.Connection{"rediss", true, "host", 6379, "", "pw", 0}},
		{"an empty port", "rediss://:pw@host:", keyvalue.Connection{"rediss", true, "host", 6379, "", "pw", 0}},
		{"no credentials", "redis://localhost:6379", keyvalue.Connection{"redis", false, "localhost", 6379, "", "", 0}},
		{"a user name without a password", "redis://me@localhost", keyvalue.Connection{"redis", false, "localhost", 6379, "me", "", 0}},
		{"a database", "redis://localhost/15", keyvalue.Connection{"redis", false, "localhost", 6379, "", "", 15}},
		{"a database in the query string", "redis://localhost?db=3", keyvalue.Connection{"redis", false, "localhost", 6379, "", "", 3}},
		{"the same database in both places", "redis://localhost/3?a=b&db=3", keyvalue.Connection{"redis", false, "localhost", 6379, "", "", 3}},
		{"a slash without a database", "redis://localhost/", keyvalue.Connection{"redis", false, "localhost", 6379, "", "", 0}},
		{"a query string", "rediss://:pw@host:1/2?ssl_cert_reqs=none", keyvalue.Connection{"rediss", true, "host", 1, "", "pw", 2}},
		{"percent-encoding", "rediss://u%40x:p%2Fa%23s%3As%25%20@host:1", keyvalue.Connection{"rediss", true, "host", 1, "u@x", "p/a#s:s% ", 0}},
		{"a plus sign is a plus sign", "rediss://:a+b@host:1", keyvalue.Connection{"rediss", true, "host", 1, "", "a+b", 0}},
		{"a colon in the password", "rediss://h:a:b@host:1", keyvalue.Connection{"rediss", true, "host", 1, "h", "a:b", 0}},
		{"an IPv4 address", "rediss://:pw@127.0.0.1:40123", keyvalue.Connection{"rediss", true, "127.0.0.1", 40123, "", "pw", 0}},
		{"an IPv6 address", "rediss://:pw@[::1]:40123", keyvalue.Connection{"rediss", true, "::1", 40123, "", "pw", 0}},
		{"an IPv6 address without a port", "rediss://:pw@[2001:db8::1]/3", keyvalue.Connection{"rediss", true, "2001:db8::1", 6379, "", "pw", 3}},
		{"a scheme in upper case", "REDISS://:pw@host", keyvalue.Connection{"rediss", true, "host", 6379, "", "pw", 0}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := keyvalue.ParseURL(tt.in)
			if err != nil {
				t.Fatal(err)
			}
			if got != tt.want {
				// Field by field, since a connection does not print its password.
				t.Errorf("got scheme %q TLS %t host %q port %d user %q password %q database %d",
					got.Scheme, got.TLS, got.Host, got.Port, got.Username, got.Password, got.Database)
			}
		})
	}
}

var unreadableURLs = map[string]string{
	"rediss://h:6379?hunter2@host":         "cannot be read",
	"rediss://h:hunter2@::1":               "cannot be read",
	"":                                     "the URL is empty",
	"hunter2":                              "does not start with redis:// or rediss://",
	"https://:hunter2@host":                "does not start with redis:// or rediss://",
	"redis:hunter2@host":                   "does not start with redis:// or rediss://",
	" rediss://:hunter2@host":              "does not start with redis:// or rediss://",
	"rediss://:hunter2@host:http":          "cannot be read",
	"rediss://:hunter2@host:6379 ":         "cannot be read",
	"rediss://:hunter2%zz@host":            "cannot be read",
	"rediss://:hunter2\n@host":             "cannot be read",
	"rediss://:hunter2\x7f@host":           "cannot be read",
	"rediss://:hun/ter2@host":              "cannot be read",
	"rediss://:hun#ter2@host":              "cannot be read",
	"rediss://h:12#hunter2":                "cannot be read",
	"rediss://:hunter2@[::1":               "cannot be read",
	"rediss://:hunter2@host hunter2":       "cannot be read",
	"rediss://":                            "has no host",
	"rediss://:hunter2@":                   "has no host",
	"rediss://:hunter2@:6379":              "has no host",
	"rediss:///0":                          "has no host",
	"rediss://:hunter2@host:0":             "the port",
	"rediss://:hunter2@host:65536":         "the port",
	"rediss://:hunter2@host:9999999999999": "the port",
	"rediss://:hunter2@host/hunter2":       "number of a database",
	"rediss://:hunter2@host/-1":            "number of a database",
	"rediss://:hunter2@host/1/2":           "number of a database",
	"rediss://:hunter2@host/2147483648":    "number of a database",
	"rediss://:hunter2@host?db=hunter2":    "number of a database",
	"rediss://:hunter2@host?db=":           "number of a database",
	"rediss://:hunter2@host/1?db=2":        "names two databases",
	"rediss://:hunter2@host?db=1&db=2":     "names two databases",
}

func TestParseURLRefuses(t *testing.T) {
	t.Parallel()
	for in, want := range unreadableURLs {
		c, err := keyvalue.ParseURL(in)
		if err == nil {
			t.Errorf("%q reads as %v", in, c)
			continue
		}
		if c != (keyvalue.Connection{}) {
			t.Errorf("%q: an error comes with a connection: %v", in, c)
		}
		if !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "rediss://:password@host:6379") {
			t.Errorf("%q: the error should say %q and give an example: %v", in, want, err)
		}
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: the error gives the password away: %v", in, err)
		}
	}
}

func TestConnectionDoesNotPrintItsPassword(t *testing.T) {
	t.Parallel()
	c, err := keyvalue.ParseURL("rediss://someone:hunter2@host:6380/1")
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		got := fmt.Sprintf(verb, c)
		if strings.Contains(got, "hunter2") || strings.Contains(got, "someone") || !strings.Contains(got, "host:6380/1") {
			t.Errorf("%s prints %s", verb, got)
		}
	}
}

// The arguments have neither the password nor Heroku's user name.
func TestConnectionRedisCLI(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"rediss://:secret@ec2-203-0-113-40.compute-1.amazonaws.com:6380": "-h ec2-203-0-113-40.compute-1.amazonaws.com -p 6380 --tls --insecure",
		"rediss://h:secret@example.com":                                  "-h example.com -p 6379 --tls --insecure",
		"redis://default:secret@[2001:db8::1]:6380/2":                    "-h 2001:db8::1 -p 6380 -n 2",
		"redis://ops:secret@example.com":                                 "-h example.com -p 6379 --user ops",
	} {
		connection, err := keyvalue.ParseURL(url)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(connection.RedisCLI(), " "); got != want {
			t.Errorf("%s: got %s, want %s", connection, got, want)
		}
	}
}
