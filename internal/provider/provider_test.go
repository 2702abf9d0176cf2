// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
)

func providerWith(environment map[string]string, opts ...Option) *kvsProvider {
	p := New("1.2.3", opts...)().(*kvsProvider)
	p.getenv = func(name string) string { return environment[name] }
	return p
}

func TestProvider_precedence(t *testing.T) {
	t.Parallel()
	netrc := filepath.Join(t.TempDir(), "netrc")
	if err := os.WriteFile(netrc, []byte("machine api.heroku.com\n  login me@example.com\n  password from-netrc\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	everywhere := map[string]string{
		"HEROKU_API_KEY": "from-environment", "NETRC": netrc,
		"HEROKU_API_URL": "https://environment.example", "HEROKU_DATA_API_URL": "https://data.environment.example",
	}
	configured := providerModel{
		APIKey: types.StringValue("from-configuration"),
		APIURL: types.StringValue("https://configuration.example"), DataAPIURL: types.StringValue("https://data.configuration.example"),
	}
	edit := WithClient(func(o *heroku.Options) {
		o.APIURL, o.DataAPIURL = "https://option.example", "https://data.option.example"
		o.Credential = heroku.Credential{Token: "from-option", Source: "the test"}
	})
	tests := map[string]struct {
		environment     map[string]string
		config          providerModel
		opts            []Option
		token, source   string
		apiURL, dataURL string
	}{
		"the configuration wins over the environment": {
			everywhere, configured, nil,
			"from-configuration", "api_key", "https://configuration.example", "https://data.configuration.example"},
		"the environment stands in for the configuration": {
			everywhere, providerModel{}, nil,
			"from-environment", "HEROKU_API_KEY", "https://environment.example", "https://data.environment.example"},
		"netrc is the last resort": {
			map[string]string{"NETRC": netrc}, providerModel{}, nil,
			"from-netrc", netrc, "", ""},
		"each value is decided by itself": {
			everywhere, providerModel{APIURL: types.StringValue("https://configuration.example")}, nil,
			"from-environment", "HEROKU_API_KEY", "https://configuration.example", "https://data.environment.example"},
		"an option wins over everything": {
			everywhere, configured, []Option{edit},
			"from-option", "the test", "https://option.example", "https://data.option.example"},
		"an option needs no other credential": {
			nil, providerModel{}, []Option{edit},
			"from-option", "the test", "https://option.example", "https://data.option.example"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			options, err := providerWith(test.environment, test.opts...).options(test.config, "1.14.0")
			if err != nil {
				t.Fatal(err)
			}
			if options.Credential.Token != test.token || !strings.Contains(options.Credential.Source, test.source) {
				t.Errorf("token %q from %q, want %q from %q", options.Credential.Token, options.Credential.Source, test.token, test.source)
			}
			if options.APIURL != test.apiURL || options.DataAPIURL != test.dataURL {
				t.Errorf("URLs %q and %q, want %q and %q", options.APIURL, options.DataAPIURL, test.apiURL, test.dataURL)
			}
		})
	}
}

func TestProvider_userAgent(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		environment map[string]string
		want        string
	}{
		"it names both programs": {nil, "terraform-provider-kvs/1.2.3 (Terraform 1.14.0)"},
		"it takes what the operator appends": {map[string]string{"TF_APPEND_USER_AGENT": "acme/7"},
			"terraform-provider-kvs/1.2.3 (Terraform 1.14.0) acme/7"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := providerModel{APIKey: types.StringValue("t")}
			options, err := providerWith(test.environment).options(config, "1.14.0")
			if err != nil || options.UserAgent != test.want {
				t.Errorf("user agent %q, error %v; want %q", options.UserAgent, err, test.want)
			}
		})
	}
}

func TestProvider_configure(t *testing.T) {
	t.Parallel()
	answering := func(status int, contentType, body string) string {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", contentType)
			w.Header().Set("Request-Id", "1b9c")
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}))
		t.Cleanup(server.Close)
		return server.URL
	}
	known := func(s string) tftypes.Value { return tftypes.NewValue(tftypes.String, s) }
	null, unknown := tftypes.NewValue(tftypes.String, nil), tftypes.NewValue(tftypes.String, tftypes.UnknownValue)
	closed := httptest.NewServer(nil)
	closed.Close()
	netrc := filepath.Join(t.TempDir(), "netrc")
	if err := os.WriteFile(netrc, []byte("machine api.heroku.com login me password secret-token"), 0o600); err != nil {
		t.Fatal(err)
	}

	passwordless := filepath.Join(t.TempDir(), "netrc")
	if err := os.WriteFile(passwordless, []byte("machine api.heroku.com\n  login me\n  passwort secret-token\n"), 0o600); err != nil {
		t.Fatal(err)
	}

	tests := map[string]struct {
		environment map[string]string
		key, url    tftypes.Value
		ready       bool
		summary     string // of the one error; none when empty
		detail      []string
	}{
		"a good token makes the provider ready": {
			key: known("secret-token"), url: known(answering(200, "application/json", `{"remaining":4500}`)), ready: true},
		"a wrong token is one error that says where it came from": {
			environment: map[string]string{"HEROKU_API_KEY": "secret-token"},
			key:         null, url: known(answering(401, "application/json",
				`{"id":"unauthorized","message":"Invalid credentials provided."}`)),
			summary: "Unable to use the Heroku API",
			detail: []string{"HEROKU_API_KEY", "Invalid credentials provided.", "/account/rate-limits", "1b9c",
				"heroku authorizations:create"}},
		"an unreachable API is one error": {
			key: known("secret-token"), url: known(closed.URL), summary: "Unable to use the Heroku API",
			detail: []string{"/account/rate-limits", "api_url"}},
		"HTML instead of JSON is one error": {
			key: known("secret-token"), url: known(answering(200, "text/html", "<html>Sign in</html>")),
			summary: "Unable to use the Heroku API", detail: []string{"does not look like the Heroku API", "200", "1b9c"}},
		"an empty body is one error": {
			key: known("secret-token"), url: known(answering(200, "application/json", "")),
			summary: "Unable to use the Heroku API", detail: []string{"GET /account/rate-limits"}},
		"a truncated body is one error": {
			key: known("secret-token"), url: known(answering(200, "application/json", `{"remaining":45`)),
			summary: "Unable to use the Heroku API", detail: []string{"GET /account/rate-limits"}},
		"no token anywhere says where one may be": {
			key: null, url: known("https://example.com"), summary: "No Heroku API token was found",
			detail: []string{"api_key", "HEROKU_API_KEY", "netrc"}},
		"a token with a blank in it is there, and cannot be used": {
			environment: map[string]string{"HEROKU_API_KEY": "secret-token and more"}, key: null, url: known("https://example.com"),
			summary: "The Heroku API token cannot be used", detail: []string{"the HEROKU_API_KEY environment variable",
				"contains a space", "one word"}},
		"a netrc file that cannot be read is there as well": {
			environment: map[string]string{"NETRC": t.TempDir()}, key: null, url: known("https://example.com"),
			summary: "The netrc file cannot be used", detail: []string{"is a directory", "Correct the file"}},
		"a netrc entry without a password is there as well": {
			environment: map[string]string{"NETRC": passwordless},
			key:         null, url: null, summary: "The netrc file cannot be used",
			detail: []string{passwordless + " has an entry for api.heroku.com, and no password in it"}},
		"quotes of a shell are no part of a token": {
			environment: map[string]string{"HEROKU_API_KEY": `"HRKU-1"`},
			key:         null, url: null, summary: "The Heroku API token cannot be used",
			detail: []string{"begins or ends with a quotation mark", "one word"}},
		"an address with a path too many is no missing object": {
			key: known("secret-token"), url: known(answering(404, "application/json",
				`{"id":"not_found","message":"The requested API endpoint was not found."}`)),
			summary: "Unable to use the Heroku API", detail: []string{"404 not_found", "check api_url (or HEROKU_API_URL)"}},
		"an address that is none is refused": {
			key: known("secret-token"), url: known("ftp://example.com"), summary: "Invalid provider configuration",
			detail: []string{"https://", "HEROKU_API_URL", "Nothing was sent"}},
		"an address without TLS is refused, before the token is sent": {
			environment: map[string]string{"HEROKU_API_KEY": "secret-token"},
			key:         null, url: known("http://api.example.com"), summary: "Invalid provider configuration",
			detail: []string{"API URL", "https://", "localhost"}},
		"a netrc entry is for the host that it names": {
			environment: map[string]string{"NETRC": netrc},
			key:         null, url: known("https://api.example.com"), summary: "No Heroku API token was found",
			detail: []string{"api.example.com", "not sent there"}},
		"a token that is known only after apply does not fall back to the environment": {
			environment: map[string]string{"HEROKU_API_KEY": "secret-token"}, key: unknown, url: known("https://example.com")},
		"an address that is known only after apply does not fall back to the environment": {
			environment: map[string]string{"HEROKU_API_URL": "https://example.com"}, key: known("secret-token"), url: unknown},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fast := WithClient(func(o *heroku.Options) { o.Clock = instantClock{} })
			p := providerWith(test.environment, fast)
			var schema provider.SchemaResponse
			p.Schema(t.Context(), provider.SchemaRequest{}, &schema)
			objectType := schema.Schema.Type().TerraformType(t.Context())
			var resp provider.ConfigureResponse
			p.Configure(t.Context(), provider.ConfigureRequest{
				TerraformVersion: "1.14.0",
				Config: tfsdk.Config{Schema: schema.Schema, Raw: tftypes.NewValue(objectType, map[string]tftypes.Value{
					"api_key": test.key, "api_url": test.url, "data_api_url": null, "probe": null,
					"change_control": tftypes.NewValue(objectType.(tftypes.Object).AttributeTypes["change_control"], nil)})},
			}, &resp)

			if test.summary != "" && (len(resp.Diagnostics) != 1 || resp.Diagnostics[0].Summary() != test.summary) {
				t.Fatalf("diagnostics = %v, want one %q", resp.Diagnostics, test.summary)
			}
			if test.summary == "" && len(resp.Diagnostics) != 0 {
				t.Fatalf("diagnostics = %v, want none", resp.Diagnostics)
			}
			for _, d := range resp.Diagnostics {
				for _, want := range test.detail {
					if !strings.Contains(d.Detail(), want) {
						t.Errorf("the detail lacks %q:\n%s", want, d.Detail())
					}
				}
				if strings.Contains(d.Detail(), "secret-token") {
					t.Errorf("the detail repeats the token:\n%s", d.Detail())
				}
			}

			var conn connection
			var diags diag.Diagnostics
			conn.configure(resp.ResourceData, &diags)
			if ready := conn.ready(&diags); ready != test.ready || diags.HasError() == test.ready {
				t.Errorf("ready = %v with %v, want %v", ready, diags, test.ready)
			}
		})
	}
}

// Every description is a sentence, in all kinds of things that the provider serves.
func TestProvider_descriptions(t *testing.T) {
	t.Parallel()
	server := providerserver.NewProtocol6(New("test")())()
	schemas, err := server.GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	identities, err := server.GetResourceIdentitySchemas(t.Context(), &tfprotov6.GetResourceIdentitySchemasRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range append(schemas.Diagnostics, identities.Diagnostics...) {
		t.Errorf("%s: %s", d.Summary, d.Detail)
	}
	described := 0
	sentence := func(where, text string) {
		described++
		if len(text) < 10 || !strings.HasSuffix(text, ".") {
			t.Errorf("%s: the description %q is not a sentence", where, text)
		}
	}
	kinds := map[string]map[string]*tfprotov6.Schema{
		"provider": {"kvs": schemas.Provider}, "resource": schemas.ResourceSchemas,
		"data source": schemas.DataSourceSchemas, "ephemeral resource": schemas.EphemeralResourceSchemas,
	}
	for kind, named := range kinds {
		for name, schema := range named {
			sentence(kind+" "+name, schema.Block.Description)
			describeAttributes(kind+" "+name, schema.Block.Attributes, sentence)
		}
	}
	for name, f := range schemas.Functions {
		sentence("function "+name, f.Description)
		sentence("function "+name+" (summary)", f.Summary)
		for _, parameter := range f.Parameters {
			sentence("function "+name+"."+parameter.Name, parameter.Description)
		}
	}
	for name := range schemas.ResourceSchemas {
		identity, ok := identities.IdentitySchemas[name]
		if !ok {
			t.Errorf("resource %s has no identity", name)
			continue
		}
		for _, attribute := range identity.IdentityAttributes {
			sentence("identity of "+name+"."+attribute.Name, attribute.Description)
		}
	}
	if described < 80 {
		t.Errorf("only %d descriptions were seen", described)
	}
}

// A re-point makes another attachment; without this, CLIs that keep identities fail after the work is done.
func TestAttachment_identityMayChange(t *testing.T) {
	t.Parallel()
	var metadata resource.MetadataResponse
	newAttachmentResource().Metadata(t.Context(), resource.MetadataRequest{ProviderTypeName: "kvs"}, &metadata)
	if !metadata.ResourceBehavior.MutableIdentity {
		t.Error("the identity of a kvs_attachment is declared immutable")
	}
}

func describeAttributes(where string, attributes []*tfprotov6.SchemaAttribute, sentence func(where, text string)) {
	for _, attribute := range attributes {
		at := where + "." + attribute.Name
		sentence(at, attribute.Description)
		if attribute.NestedType != nil {
			describeAttributes(at, attribute.NestedType.Attributes, sentence)
		}
	}
}

// instantClock lets retries follow each other at once.
type instantClock struct{}

func (instantClock) Now() time.Time { return time.Now() }

func (instantClock) Sleep(ctx context.Context, _ time.Duration) error { return ctx.Err() }
