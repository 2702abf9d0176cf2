// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/provider"
)

// echo answers as if whatever is asked for by a name existed, or nothing.
type echo struct {
	exists bool
	paths  []string // escaped
}

const (
	echoedID  = "7c4e2a90-3b5d-4f8e-a1c6-d2e3f4a5b6c7"
	echoedApp = `{"id":"` + echoedID + `","name":"orders-api"}`
	// echoed serves for each kind of object.
	echoed = `{"id":"` + echoedID + `","name":"acme","app":` + echoedApp + `,"addon":{"id":"` + echoedID + `","name":"acme","app":` + echoedApp + `},` +
		`"addon_service":"heroku-redis","plan":"heroku-redis:premium-0","state":"provisioned","team":"acme","region":"us"}`
)

func (e *echo) RoundTrip(r *http.Request) (*http.Response, error) {
	status, body := 404, `{"id":"not_found","message":"Couldn't find that."}`
	switch {
	case r.URL.Path == "/account/rate-limits":
		status, body = 200, `{"remaining":4500}`
	case e.exists && r.Method == http.MethodGet:
		status, body = 200, echoed
		if at := strings.LastIndex(r.URL.Path, "/"); strings.Contains(r.URL.Path, "/addon") && r.URL.Path[at+1:] != echoedID { // by its name
			body = strings.Replace(body, `"acme"`, fmt.Sprintf("%q", r.URL.Path[at+1:]), 1)
		}
	}
	if r.URL.Path != "/account/rate-limits" {
		e.paths = append(e.paths, r.URL.EscapedPath())
	}
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(body)), Request: r,
	}, nil
}

// Whatever a resource is imported by, it reaches Heroku as one name or id, or not at all; and a refusal repeats it without
// what would garble a terminal.
func FuzzImport(f *testing.F) {
	for i, id := range []string{
		echoedID, "orders-api", "orders-api::REDIS", echoedID + "::REDIS_2", "acme_Cache", "", "../../account", "a%2Fb",
		"a/b", "a::b::C", "::", "a::..",
		"\x1b[2J", "naïve", "a\nb", "\xff", strings.Repeat("a", 300), "a?b=c#d", ".", "::REDIS",
	} {
		f.Add(uint8(i), true, id)
		f.Add(uint8(i+1), false, id)
	}
	e := &echo{}
	server := providerserver.NewProtocol6(provider.New("test", provider.WithClient(func(o *heroku.Options) {
		*o = heroku.Options{APIURL: "https://heroku.test", DataAPIURL: "https://data.test", Transport: e,
			Credential: heroku.Credential{Token: "x", Source: "the test"}}
	}))())()
	resources, config := importable(f, server)
	f.Fuzz(func(t *testing.T, which uint8, exists bool, id string) {
		resource := resources[int(which)%len(resources)]
		e.exists, e.paths = exists, nil
		// Anew each time: a client remembers what it has read.
		ready, err := server.ConfigureProvider(t.Context(), &tfprotov6.ConfigureProviderRequest{Config: config})
		if err != nil || len(ready.Diagnostics) > 0 {
			t.Fatal(err, ready)
		}
		got, err := server.ImportResourceState(t.Context(), &tfprotov6.ImportResourceStateRequest{TypeName: resource, ID: id})
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range e.paths {
			for _, element := range strings.Split(strings.TrimPrefix(path, "/"), "/") {
				if !isElement(element, id) {
					t.Errorf("%s %q asks for %s", resource, id, path)
				}
			}
		}
		if done := len(got.Diagnostics) == 0; done != (len(got.ImportedResources) == 1) ||
			done != (exists && len(e.paths) > 0) || len(e.paths) > 4 {
			t.Errorf("%s %q: %v after %q", resource, id, got.Diagnostics, e.paths)
		}
		for _, d := range got.Diagnostics {
			refused := d.Summary == "Invalid import identifier"
			if refused != (len(e.paths) == 0) || refused && !strings.Contains(d.Detail, "for example") {
				t.Errorf("%s %q: %s: %s, after %q", resource, id, d.Summary, d.Detail, e.paths)
			}
			repeated := strings.TrimSuffix(fmt.Sprintf("%q", id[:min(len(id), 200)]), `"`)
			if !strings.Contains(d.Detail, repeated) || strings.ContainsFunc(d.Detail, garbles) || len(d.Detail) > 2000 {
				t.Errorf("%s %q: %s", resource, id, d.Detail)
			}
		}
	})
}

// isElement says whether a part of a path is a word of the API, the id or a half of it, or what Heroku answered.
func isElement(element, id string) bool {
	plain, err := url.PathUnescape(element)
	app, name, _ := strings.Cut(id, "::")
	return err == nil && element == url.PathEscape(plain) && !strings.ContainsAny(plain, "/.") &&
		slices.Contains([]string{"apps", "addons", "addon-attachments", "spaces", echoedID, id, app, name}, plain)
}

func garbles(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }

// importable are the resources of a provider, and a configuration for it.
func importable(f *testing.F, server tfprotov6.ProviderServer) (names []string, config *tfprotov6.DynamicValue) {
	f.Helper()
	schemas, err := server.GetProviderSchema(f.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		f.Fatal(err)
	}
	of := schemas.Provider.ValueType()
	none := make(map[string]tftypes.Value)
	for name, kind := range of.(tftypes.Object).AttributeTypes {
		none[name] = tftypes.NewValue(kind, nil)
	}
	value, err := tfprotov6.NewDynamicValue(of, tftypes.NewValue(of, none))
	if err != nil {
		f.Fatal(err)
	}
	for name := range schemas.ResourceSchemas {
		names = append(names, name)
	}
	slices.Sort(names)
	return names, &value
}
