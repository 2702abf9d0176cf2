// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"net/http"
	"regexp"
	"strings"
)

// authenticate finds the user of a request: Bearer, or Basic with the token as password (Platform API reference, authentication).
func (s *Sandbox) authenticate(r *http.Request) (*user, error) {
	unauthorized := func(message string) error {
		e := refuse(http.StatusUnauthorized, "unauthorized", "%s", message)
		e.header = http.Header{"Www-Authenticate": {`Basic realm="Heroku"`}}
		return e
	}
	authorization := r.Header.Get("Authorization")
	if authorization == "" {
		return nil, unauthorized("There were no credentials in your `Authorization` header. " +
			"Try `Authorization: Bearer <OAuth access token>` " +
			"or `Authorization: Basic <base64-encoded email + \":\" + password>`.")
	}
	scheme, token, _ := strings.Cut(authorization, " ")
	if _, password, ok := r.BasicAuth(); ok {
		token = password
	} else if !strings.EqualFold(scheme, "Bearer") {
		token = ""
	}
	id, ok := s.tokens[strings.TrimSpace(token)]
	if !ok {
		return nil, unauthorized("Invalid credentials provided.")
	}
	return s.world.Users[id], nil
}

var acceptedVersion = regexp.MustCompile(`^application/vnd\.heroku\+json\s*;\s*version=3(\.[A-Za-z0-9_.-]+)?\s*$`)

// accepted reports whether the request names version 3 of the API, or a variant such as 3.sdk.
func accepted(h http.Header) bool {
	for _, value := range h.Values("Accept") {
		for part := range strings.SplitSeq(value, ",") {
			if acceptedVersion.MatchString(strings.TrimSpace(part)) {
				return true
			}
		}
	}
	return false
}
