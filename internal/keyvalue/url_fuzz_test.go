// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package keyvalue_test

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// A URL that is built from parts parses to the same parts, whatever the password contains.
func FuzzURLOfParts(f *testing.F) {
	f.Add("h", "p8f1c0de", "ec2-203-0-113-40.compute-1.amazonaws.com", uint16(6380), uint16(0))
	f.Add("", `/?#[]@!$&'()*+,;=: %"<>\^{|}`+"`\t\n\x00\x7f", "::1", uint16(1), uint16(15))
	f.Add("naïve", "пароль\xff", "127.0.0.1", uint16(65535), uint16(65535))
	f.Fuzz(func(t *testing.T, user, password, host string, port, database uint16) {
		if port == 0 || !isHost(host) {
			return
		}
		want := keyvalue.Connection{
			Scheme: "rediss", TLS: true, Host: host, Port: int(port), Username: user, Password: password, Database: int(database),
		}
		raw := (&url.URL{
			Scheme: "rediss", User: url.UserPassword(user, password),
			Host: net.JoinHostPort(host, strconv.Itoa(int(port))), Path: "/" + strconv.Itoa(int(database)),
		}).String()
		if got, err := keyvalue.ParseURL(raw); err != nil || got != want {
			t.Errorf("%q: %v, %v, want %v", raw, got, err, want)
		}
	})
}

// isHost excludes host names with invalid characters, which net/url does not escape.
func isHost(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-.") == "" || net.ParseIP(s) != nil && strings.Contains(s, ":")
}

// Errors are from a fixed set of texts, so that they cannot contain a part of the URL in any encoding, and a printed connection does
// not contain its password.
func FuzzURL(f *testing.F) {
	texts := map[string]bool{}
	for in := range unreadableURLs {
		f.Add(in)
		_, err := keyvalue.ParseURL(in)
		texts[err.Error()] = true
	}
	for _, s := range []string{"rediss://u%40x:p%2F@[::1]:40123/2?a=b", "rediss://:hunter2@host:6379", "rediss://h:hun/ter2@host:6379/0",
		"hunter2", "rediss://host/hunter2?a=b"} {
		f.Add(s)
	}
	const long = 6 // a shorter password is found in any text
	f.Fuzz(func(t *testing.T, raw string) {
		c, err := keyvalue.ParseURL(raw)
		if err != nil {
			if !texts[err.Error()] {
				t.Errorf("%q: a text that depends on the input: %v", raw, err)
			}
			return
		}
		if c.Host == "" || c.Port < 1 || c.Port > 65535 || c.Database < 0 || c.TLS != (c.Scheme == "rediss") {
			t.Errorf("%q reads as %v", raw, c)
		}
		plain := c
		plain.Password = ""
		if printed := fmt.Sprintf("%v %+v %#v", c, c, c); len(c.Password) >= long && strings.Contains(printed, c.Password) &&
			!strings.Contains(fmt.Sprintf("%v %+v %#v", plain, plain, plain), c.Password) { // unless another part contains it
			t.Errorf("%q is printed: %s", c.Password, printed)
		}
	})
}
