// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox_test

import (
	"encoding/json"
	"fmt"
	"net/mail"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// platformSchema is the part of the Platform API's own schema in testdata/platform_schema.json.
type platformSchema struct {
	Definitions map[string]*jsonSchema `json:"definitions"`
	Links       []struct {
		Method, Href string
		Params       []string // names
		Target       *jsonSchema
	} `json:"links"`
}

// jsonSchema has the keywords that the Platform API's schema uses for responses.
type jsonSchema struct {
	Ref        string                 `json:"$ref"` // name of a definition
	Type       oneOrMore              `json:"type"`
	Enum       []any                  `json:"enum"`
	Format     string                 `json:"format"`
	Pattern    string                 `json:"pattern"`
	Properties map[string]*jsonSchema `json:"properties"`
	Items      *jsonSchema            `json:"items"`
	AnyOf      []*jsonSchema          `json:"anyOf"`
}

type oneOrMore []string

func (o *oneOrMore) UnmarshalJSON(raw []byte) error {
	if raw[0] == '"' {
		*o = make(oneOrMore, 1)
		return json.Unmarshal(raw, &(*o)[0])
	}
	return json.Unmarshal(raw, (*[]string)(o))
}

func loadSchema(t *testing.T) *platformSchema {
	t.Helper()
	raw, err := os.ReadFile("testdata/platform_schema.json")
	if err != nil {
		t.Fatal(err)
	}
	s := new(platformSchema)
	if err := json.Unmarshal(raw, s); err != nil {
		t.Fatal(err)
	}
	return s
}

// violations returns the violations of a schema, each with its path. Members that the schema does not have are allowed, because Heroku
// adds some without notice. Members that it has must exist, except optionalMembers.
func (s *platformSchema) violations(schema *jsonSchema, v any, at string) []string {
	if schema.Ref != "" {
		definition, ok := s.Definitions[schema.Ref]
		if !ok {
			return []string{at + ": testdata has no definition of " + schema.Ref}
		}
		schema = definition
	}
	if len(schema.AnyOf) > 0 && !slices.ContainsFunc(schema.AnyOf, func(one *jsonSchema) bool { return s.violations(one, v, at) == nil }) {
		return []string{fmt.Sprintf("%s: %v is none of the alternatives", at, v)}
	}
	if len(schema.Type) > 0 && !slices.Contains(schema.Type, typeOf(v)) &&
		(typeOf(v) != "integer" || !slices.Contains(schema.Type, "number")) {
		return []string{fmt.Sprintf("%s: %v is no %s", at, v, strings.Join(schema.Type, " or "))}
	}
	var found []string
	if schema.Enum != nil && !slices.Contains(schema.Enum, v) {
		found = append(found, fmt.Sprintf("%s: %v is not one of %v", at, v, schema.Enum))
	}
	switch v := v.(type) {
	case string:
		if !formatted(schema.Format, v) || schema.Pattern != "" && !regexp.MustCompile(ruby.Replace(schema.Pattern)).MatchString(v) {
			found = append(found, fmt.Sprintf("%s: %q is no %s %s", at, v, schema.Format, schema.Pattern))
		}
	case []any:
		for i, item := range v {
			if schema.Items != nil {
				found = append(found, s.violations(schema.Items, item, fmt.Sprintf("%s.%d", at, i))...)
			}
		}
	case map[string]any:
		for name, property := range schema.Properties {
			member, ok := v[name]
			switch {
			case ok:
				found = append(found, s.violations(property, member, at+"."+name)...)
			case !optionalMembers[name]:
				found = append(found, at+"."+name+" is missing")
			}
		}
	}
	return found
}

// optionalMembers are sent only on request, or belong to parts of Heroku that the sandbox does not have.
var optionalMembers = map[string]bool{"provision_message": true}

// ruby translates the schema's Ruby regular expressions. Go does not support the look-ahead that excludes two dashes in names of spaces.
var ruby = strings.NewReplacer(`-(?!-)`, `-`, `\A`, `^`, `\z`, `$`)

func typeOf(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case float64:
		if v == float64(int64(v)) {
			return "integer"
		}
		return "number"
	case []any:
		return "array"
	}
	return "object"
}

var uuid = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

func formatted(format, text string) bool {
	var err error
	switch format {
	case "uuid":
		return uuid.MatchString(text)
	case "date-time":
		_, err = time.Parse(time.RFC3339, text)
	case "date":
		_, err = time.Parse(time.DateOnly, text)
	case "email":
		_, err = mail.ParseAddress(text)
	case "uri":
		_, err = url.Parse(text) // for domains, the schema declares a host name as a URI
	}
	return err == nil
}

// schemaJudge checks every successful response against the link of its request.
type schemaJudge struct {
	world
	schema *platformSchema
	judged map[string]int // number of checked responses by link
}

// link returns the link of a request: the most specific one that matches the path.
func (j *schemaJudge) link(method, path string) (name string, target *jsonSchema) {
	best := -1
	for _, l := range j.schema.Links {
		pattern, literal := strings.Split(l.Href, "/"), 0
		segments := strings.Split(path, "/")
		if l.Method != method || len(pattern) != len(segments) {
			continue
		}
		fits := true
		for i := range pattern {
			switch {
			case pattern[i] == segments[i]:
				literal++
			case !strings.HasPrefix(pattern[i], "{"):
				fits = false
			}
		}
		if fits && literal > best {
			name, target, best = l.Method+" "+l.Href, l.Target, literal
		}
	}
	return name, target
}

// ask sends a request and checks the response, which must be successful. It sends a Range header, as older versions of the Heroku CLI
// always do.
func (j *schemaJudge) ask(line, body string, headers ...string) answer {
	j.t.Helper()
	a := j.send(line, body, append(headers, "Range: id ..; max=1000")...)
	if a.status >= 300 {
		j.t.Errorf("%s: %d %s", line, a.status, a.body)
		return a
	}
	method, path, _ := strings.Cut(line, " ")
	path, _, _ = strings.Cut(path, "?")
	name, target := j.link(method, path)
	if target == nil {
		j.t.Fatalf("%s is no link of the schema", line)
	}
	var v any
	if err := json.Unmarshal([]byte(a.body), &v); err != nil {
		j.t.Fatalf("%s: %v in %q", line, err, a.body)
	}
	for _, violation := range j.schema.violations(target, v, "") {
		j.t.Errorf("%s: %s", name, violation)
	}
	j.judged[name]++
	return a
}

// Responses of every link for which the sandbox has a route conform to Heroku's own schema.
func TestSchema_judgesTheAnswersOfAllLinks(t *testing.T) {
	t.Parallel()
	j := &schemaJudge{world: start(t), schema: loadSchema(t), judged: map[string]int{}}
	j.story()
	for _, l := range j.schema.Links {
		name := l.Method + " " + l.Href
		if refused, ok := refusedLinks[name]; ok {
			if j.send(l.Method+" "+fill.Replace(l.Href), "").is(refused); j.judged[name] > 0 {
				t.Errorf("%s is said to be refused, and is answered", name)
			}
			continue
		}
		if j.judged[name] > 0 {
			continue
		}
		a := j.send(l.Method+" "+fill.Replace(l.Href), "")
		if slices.ContainsFunc(emptyResourceLinks, func(path string) bool { return strings.HasPrefix(l.Href, path) }) &&
			(a.status == 403 || a.status == 404) {
			continue
		}
		if a.status != 404 || !strings.HasPrefix(a.get("message"), "The requested API endpoint was not found.") {
			t.Errorf("%s has a route, and no answer of it was judged: %d %s", name, a.status, a.body)
		}
	}
	t.Logf("%d links were judged", len(j.judged))
	j.offerParams()
}

// offerParams sends all parameters of a link, none of which may be unknown.
func (j *schemaJudge) offerParams() {
	j.t.Helper()
	for _, l := range j.schema.Links {
		if len(l.Params) == 0 || l.Method == "DELETE" {
			continue
		}
		members := map[string]any{}
		for _, name := range l.Params {
			members[name] = nil
		}
		body, err := json.Marshal(members)
		if err != nil {
			j.t.Fatal(err)
		}
		if a := j.send(l.Method+" "+fill.Replace(l.Href), string(body)); strings.HasPrefix(a.get("message"), "Unknown params") {
			if want := unknownParams[l.Method+" "+l.Href]; want != a.get("message") {
				j.t.Errorf("%s %s: %s", l.Method, l.Href, a.get("message"))
			}
		}
	}
}

// Parameters that the sandbox does not support: images to release, and payment details of a team.
var unknownParams = map[string]string{
	"POST /apps/{app}/releases": "Unknown params: oci_image.",
	"POST /teams": "Unknown params: address_1, address_2, card_number, city, country, cvv, device_data, expiration_month, " +
		"expiration_year, first_name, last_name, nonce, other, postal_code, state.",
}
