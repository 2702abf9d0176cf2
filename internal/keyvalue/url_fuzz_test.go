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

// Whatever a password consists of, a URL that is made with it is read as what it was made of.
func FuzzParseURLOfParts(f *testing.F) {
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

// isHost leaves out what no host is called: net/url does not escape it.
func isHost(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-.") == "" || net.ParseIP(s) != nil && strings.Contains(s, ":")
}

// A password that nobody encoded is in no error, wherever it breaks the URL, and in nothing that is printed of one.
func FuzzParseURLKeepsThePassword(f *testing.F) {
	f.Add("rediss://:", "hunter2", "@host:6379")
	f.Add("rediss://h:", "hun/ter2", "@host:6379/0")
	f.Add("", "hunter2", "")
	f.Add("rediss://host/", "hunter2", "?a=b")
	const long = 6 // a shorter one is found in any text
	_, err := keyvalue.ParseURL("rediss://")
	known := fmt.Sprintf("%v, the URL is empty, does not start with redis://, cannot be read, a character of the user name", err)
	f.Fuzz(func(t *testing.T, before, password, after string) {
		if len(password) < long || strings.Contains(known, password) {
			return
		}
		c, err := keyvalue.ParseURL(before + password + after)
		if err == nil {
			if c.Password != password || strings.Contains(c.Host, password) || strings.Contains(c.Scheme, password) {
				return // it is no password there
			}
			if printed := fmt.Sprintf("%v %+v %#v", c, c, c); strings.Contains(printed, password) {
				t.Errorf("%q is printed: %s", password, printed)
			}
			return
		}
		if strings.Contains(err.Error(), password) && !fixed(err.Error()) {
			t.Errorf("%q is in the error: %v", password, err)
		}
	})
}

// fixed says whether a text is one that the refusals of the table tests give too.
func fixed(text string) bool {
	for in := range unreadableURLs {
		if _, err := keyvalue.ParseURL(in); err != nil && err.Error() == text {
			return true
		}
	}
	return false
}
