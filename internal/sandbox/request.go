// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"
)

// call is one request as a handler sees it: authenticated, with its body read, while Sandbox.mu is held.
type call struct {
	*http.Request
	s      *Sandbox
	w      *world
	user   *user // nil on public routes without a token
	now    time.Time
	writes bool // the request may change the world
	body   []byte
	status int    // of the response, unless it is an error or a page of a list
	fault  string // id of the fault that matches the request, if any
	effect Effect // of that fault
}

// apiError is an error response in Heroku's format.
type apiError struct {
	status   int
	header   http.Header
	ID       string `json:"id,omitempty"`
	Message  string `json:"message"`
	Resource string `json:"resource,omitempty"`
	URL      string `json:"url,omitempty"`
}

func (e *apiError) Error() string { return e.ID + ": " + e.Message }

func refuse(status int, id, format string, args ...any) *apiError {
	return &apiError{status: status, ID: id, Message: fmt.Sprintf(format, args...)}
}

func invalid(format string, args ...any) *apiError {
	return refuse(http.StatusUnprocessableEntity, "invalid_params", format, args...)
}

// unprocessable is the Data API's error for a request that the current state of a store does not allow.
func unprocessable(format string, args ...any) *apiError {
	return refuse(http.StatusUnprocessableEntity, "unprocessable_entity", format, args...)
}

func forbidden(format string, args ...any) *apiError {
	return refuse(http.StatusForbidden, "forbidden", format, args...)
}

func notFound(resource, what string) *apiError {
	e := refuse(http.StatusNotFound, "not_found", "Couldn't find that %s.", what)
	e.Resource = resource
	return e
}

func confirmationRequired(appName, format string, args ...any) *apiError {
	e := refuse(http.StatusLocked, "confirmation_required", format, args...)
	e.header = http.Header{"X-Confirmation-Required": {appName}}
	return e
}

// dataAPI reports whether a path belongs to the Data API. Both APIs are served on one port and have no path in common.
func dataAPI(path string) bool {
	return strings.HasPrefix(path, "/redis/") || strings.HasPrefix(path, "/data/")
}

// params decodes the body into a struct. It refuses members that the struct does not have, and names them.
func (c *call) params(into any) error {
	if len(c.body) == 0 {
		return nil
	}
	if names := unknownParams(c.body, reflect.TypeOf(into), ""); len(names) > 0 {
		if dataAPI(c.URL.Path) {
			return refuse(http.StatusBadRequest, "bad_request", "Unknown option: %s", strings.Join(names, ", "))
		}
		return invalid("Unknown params: %s.", strings.Join(names, ", "))
	}
	err := json.Unmarshal(c.body, into)
	var wrongType *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &wrongType):
		return refuse(http.StatusBadRequest, "bad_request", "Invalid value for %s: a %s will not do.", wrongType.Field, wrongType.Value)
	}
	return refuse(http.StatusBadRequest, "bad_request", "Unable to parse the request: %s.", err)
}

// unknownParams lists the JSON members for which the type has no field, as "foo" or, for nested ones, "bar:baz".
func unknownParams(raw json.RawMessage, t reflect.Type, prefix string) []string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == reflect.TypeFor[reference]() && bytes.HasPrefix(raw, []byte("{")) {
		t = reflect.TypeFor[referenceObject]()
	}
	if reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]()) {
		return nil // it accepts several JSON forms and decodes them itself
	}
	var names []string
	switch t.Kind() {
	case reflect.Slice:
		var elements []json.RawMessage
		if json.Unmarshal(raw, &elements) == nil {
			for _, element := range elements {
				names = append(names, unknownParams(element, t.Elem(), prefix)...)
			}
		}
	case reflect.Struct:
		var members map[string]json.RawMessage
		if json.Unmarshal(raw, &members) != nil {
			return nil
		}
		fields := map[string]reflect.Type{}
		for f := range t.Fields() {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			fields[name] = f.Type
		}
		for name, member := range members {
			if field, ok := fields[name]; ok {
				names = append(names, unknownParams(member, field, prefix+name+":")...)
			} else {
				names = append(names, prefix+name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// reference is a parameter that names an object by "name-or-id", {"name": …} or {"id": …}. A JSON null decodes to "".
type reference string

type referenceObject struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

func (r *reference) UnmarshalJSON(raw []byte) error {
	var s string // stays "" for null
	if json.Unmarshal(raw, &s) == nil {
		*r = reference(s)
		return nil
	}
	var object referenceObject
	if err := json.Unmarshal(raw, &object); err != nil {
		return err
	}
	if *r = reference(cmp.Or(object.ID, object.Name)); *r == "" {
		return &json.UnmarshalTypeError{Value: "reference without id and name"}
	}
	return nil
}

// wants reports whether a comma-separated header such as Accept-Expansion contains a word.
func (c *call) wants(header, word string) bool {
	return slices.Contains(headerWords(c.Header, header), word)
}

// headerWords splits a comma-separated header.
func headerWords(h http.Header, name string) []string {
	words := strings.Split(strings.Join(h.Values(name), ","), ",")
	for i, word := range words {
		words[i] = strings.TrimSpace(word)
	}
	return words
}

// authenticate returns the user whose token the request has: as Bearer, or as the password of Basic (Platform API reference,
// authentication).
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

// accepted reports whether the request accepts version 3 of the API, or a variant such as 3.sdk. The Data API also allows plain JSON,
// which the Heroku CLI requests up to version 10.2.
func accepted(r *http.Request) bool {
	return slices.ContainsFunc(headerWords(r.Header, "Accept"), func(media string) bool {
		return acceptedVersion.MatchString(media) || media == "application/json" && dataAPI(r.URL.Path)
	})
}
