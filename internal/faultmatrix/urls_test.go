// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package faultmatrix

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/provider"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// Redis URLs with passwords of special characters.

const canary = "hunter2-canary"

// special are characters with a meaning in a URL, a template, a shell or a log.
var special = []string{
	"@", ":", "/", "?", "#", "[", "]", "%", "+", "&", "=", " ", `"`, "'", "<", ">", `\`, "^", "`", "{", "|", "}", "~", "!", "$", "*", "(", ")",
	",", ";",
	"ä", "注", "🛒", "\t", "\n", "\r", "\x00", "\x7f", "%2F", "%zz", "${x}", "://", "\u202e",
}

// encoded percent-encodes all bytes of a text but letters and digits.
func encoded(text string) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// redisURL is a URL and its parts. Nothing listens at its address.
type redisURL struct {
	text               string
	username, password string
	host               string
	port               int64
	refused            bool // the URL is invalid and must be refused
	either             bool // the URL may be refused, or parsed into these parts
}

func urls() map[string]redisURL {
	const here = "127.0.0.1"
	all := map[string]redisURL{
		"an empty user":               {text: "rediss://:" + canary + "@127.0.0.1:1", password: canary, host: here, port: 1},
		"an empty password":           {text: "rediss://" + canary + ":@127.0.0.1:1", username: canary, host: here, port: 1},
		"no password":                 {text: "rediss://" + canary + "@127.0.0.1:1", username: canary, host: here, port: 1},
		"no port":                     {text: "rediss://h:" + canary + "@127.0.0.1", password: canary, username: "h", host: here, port: 6379},
		"an IPv6 host":                {text: "rediss://h:" + canary + "@[::1]:1", password: canary, username: "h", host: "::1", port: 1},
		"an IPv6 host without a port": {text: "rediss://h:" + canary + "@[::1]", password: canary, username: "h", host: "::1", port: 6379},
		"a bare IPv6 host":            {text: "rediss://h:" + canary + "@::1", refused: true},
		"a raw question mark":         {text: "rediss://h:6379?" + canary + "@127.0.0.1:1", refused: true},
		"a very long password": {text: "rediss://h:" + canary + strings.Repeat("x", 100_000) + "@127.0.0.1:1", password: canary +
			strings.Repeat("x", 100_000), username: "h", host: here, port: 1},
		"options of another client": {text: "rediss://h:" + canary + "@127.0.0.1:1?ssl_cert_reqs=none", password: canary, username: "h",
			host: here, port: 1},
		"a scheme in upper case":   {text: "REDISS://h:" + canary + "@127.0.0.1:1", password: canary, username: "h", host: here, port: 1},
		"a space before it":        {text: " rediss://h:" + canary + "@127.0.0.1:1", refused: true},
		"a line break after it":    {text: "rediss://h:" + canary + "@127.0.0.1:1\n", refused: true},
		"a password without an at": {text: "rediss://h:" + canary, refused: true},
		"no host":                  {text: "rediss://h:" + canary + "@", refused: true},
		"a path that is no number": {text: "rediss://h:p@127.0.0.1:1/" + canary, refused: true},
		"a port that is none":      {text: "rediss://h:p@127.0.0.1:" + canary, refused: true},
		"a port that is too high":  {text: "rediss://h:" + canary + "@127.0.0.1:65536", refused: true},
		"everything, percent-encoded": {text: "rediss://" + encoded("h"+strings.Join(special, "")) + ":" +
			encoded(canary+strings.Join(special, "")) + "@127.0.0.1:1", username: "h" + strings.Join(special, ""), password: canary +
			strings.Join(special, ""), host: here, port: 1},
		"nothing but special ones": {text: "rediss://h:" + encoded("@:/?#[]%") + "@127.0.0.1:1", username: "h", password: "@:/?#[]%",
			host: here, port: 1},
		"the password is a URL itself": {text: "rediss://h:" + encoded("rediss://h:"+canary+"@example.com") + "@127.0.0.1:1", username: "h",
			password: "rediss://h:" + canary + "@example.com", host: here, port: 1},
	}
	for _, c := range special {
		password := "Before" + c + canary
		all[fmt.Sprintf("%q percent-encoded", c)] = redisURL{text: "rediss://h:" + encoded(password) + "@127.0.0.1:1", username: "h",
			password: password, host: here, port: 1}
		raw := redisURL{text: "rediss://h:" + password + "@127.0.0.1:1", username: "h", password: password, host: here, port: 1, either: true}
		if c == "%2F" {
			raw.password = "Before/" + canary
		}
		all[fmt.Sprintf("%q raw", c)] = raw
		raw.text = "rediss://h" + c + canary + ":p@127.0.0.1:1"
		raw.username, raw.password, raw.refused = "", "p", false
		all[fmt.Sprintf("%q raw in the user", c)] = raw
	}
	return all
}

// The function parse_url returns the parts of a URL or an error, never other parts. The error has no part of the URL.
func TestURLs_parsed(t *testing.T) {
	t.Parallel()
	server := providerserver.NewProtocol6(provider.New("test")())()
	for name, u := range urls() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			response, err := server.CallFunction(t.Context(), &tfprotov6.CallFunctionRequest{
				Name: "parse_url", Arguments: []*tfprotov6.DynamicValue{dynamic(t, tftypes.String, tftypes.NewValue(tftypes.String, u.text))},
			})
			if err != nil {
				t.Fatal(err)
			}
			if response.Error != nil {
				if !u.refused && !u.either {
					t.Errorf("it is refused: %s", response.Error.Text)
				}
				expectNoSecret(t, []*tfprotov6.Diagnostic{{Detail: response.Error.Text}}, u.text)
				return
			}
			if u.refused {
				t.Fatal("it is read")
			}
			u.expect(t, response.Result)
		})
	}
}

// expect compares the result of the function with the parts of the URL. A user name with raw special characters may be parsed
// differently, but the address must be the one after the last @.
func (u redisURL) expect(t *testing.T, result *tfprotov6.DynamicValue) {
	t.Helper()
	value, err := result.Unmarshal(tftypes.Object{AttributeTypes: map[string]tftypes.Type{
		"scheme": tftypes.String, "tls": tftypes.Bool, "host": tftypes.String, "port": tftypes.Number,
		"username": tftypes.String, "password": tftypes.String, "database": tftypes.Number,
	}})
	if err != nil {
		t.Fatal(err)
	}
	var parts map[string]tftypes.Value
	if err := value.As(&parts); err != nil {
		t.Fatal(err)
	}
	want := map[string]tftypes.Value{
		"host": tftypes.NewValue(tftypes.String, u.host), "port": tftypes.NewValue(tftypes.Number, u.port),
		"scheme": tftypes.NewValue(tftypes.String, "rediss"), "database": tftypes.NewValue(tftypes.Number, int64(0)),
	}
	if u.username != "" || !u.either {
		want["username"], want["password"] = tftypes.NewValue(tftypes.String, u.username), tftypes.NewValue(tftypes.String, u.password)
	}
	for part, value := range want {
		if !parts[part].Equal(value) {
			t.Errorf("its %s is %s, want %s", part, parts[part], value)
		}
	}
}

// recorder records the bodies of orders.
type recorder struct {
	mu     sync.Mutex
	orders [][]byte
}

func (r *recorder) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.Method == http.MethodPost && strings.HasSuffix(request.URL.Path, "/addons") {
		body, err := io.ReadAll(request.Body)
		if err != nil {
			return nil, err
		}
		request.Body = io.NopCloser(bytes.NewReader(body))
		r.mu.Lock()
		r.orders = append(r.orders, body)
		r.mu.Unlock()
	}
	return http.DefaultTransport.RoundTrip(request)
}

// sent returns the fork sources of the orders since its last call.
func (r *recorder) sent(t *testing.T) []string {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	var sources []string
	for _, body := range r.orders {
		var order struct{ Config map[string]string }
		if err := json.Unmarshal(body, &order); err != nil {
			t.Fatal(err)
		}
		sources = append(sources, order.Config["fork"])
	}
	r.orders = nil
	return sources
}

// recorded returns a configured provider whose orders are recorded, with real time.
func recorded(t *testing.T, sb *acctest.Sandbox) (tfprotov6.ProviderServer, *tfprotov6.Schema, *recorder) {
	t.Helper()
	r := &recorder{}
	connect := provider.WithClient(func(o *heroku.Options) {
		o.APIURL, o.DataAPIURL, o.Transport = sb.URL(), sb.URL(), r
		o.Credential = heroku.Credential{Token: sb.Token(), Source: "the test"}
	})
	server := providerserver.NewProtocol6(provider.New("test", connect)())()
	schema, err := server.GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	configured, err := server.ConfigureProvider(t.Context(), &tfprotov6.ConfigureProviderRequest{
		Config: dynamic(t, schema.Provider.ValueType(), object(schema.Provider, nil)),
	})
	if err != nil || len(configured.Diagnostics) > 0 {
		t.Fatalf("configuring the provider: %v, %v", err, configured)
	}
	return server, schema.ResourceSchemas["kvs_instance"], r
}

// The URL of a fork's source is sent to Heroku unchanged, or not at all. No diagnostic has a part of it, even if Heroku's answer has.
func TestAccURLs_ofForks(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t, func(o *sandbox.Options) { o.Engine = "miniredis" })
	app, err := sb.Client(t).CreateApp(t.Context(), heroku.AppCreate{Name: "orders-web"})
	if err != nil {
		t.Fatal(err)
	}
	server, schema, orders := recorded(t, sb)
	for name, u := range urls() {
		t.Run(name, func(t *testing.T) {
			said, _ := json.Marshal(map[string]string{"id": "invalid_params", "message": "The source " + u.text +
				" cannot be reached: wrong password " + u.password})
			answer := string(said)
			sb.Inject(sandbox.Fault{Match: order, Do: sandbox.Effect{Status: 422, Body: &answer}})
			defer sb.Clear()
			diagnostics := applyFork(t, server, schema, string(app.ID), u.text)
			expectNoSecret(t, diagnostics, u.text)
			switch sent := orders.sent(t); {
			case u.either && len(sent) == 0 && len(diagnostics) > 0: // refused
			case u.refused && len(sent) > 0:
				t.Error("it is sent")
			case !u.refused && !slices.Equal(sent, []string{u.text}):
				t.Errorf("not sent once as it is: %q, and said is %v", sent, words(diagnostics))
			case len(diagnostics) == 0:
				t.Error("nothing is said")
			}
		})
	}
}

// applyFork plans and applies a store with a fork source, as a CLI does, and returns the diagnostics.
func applyFork(t *testing.T, server tfprotov6.ProviderServer, schema *tfprotov6.Schema, app, source string) []*tfprotov6.Diagnostic {
	t.Helper()
	whole := func(source tftypes.Value) tftypes.Value {
		return object(schema, map[string]tftypes.Value{
			"app_id": text6(app), "plan": text6("premium-0"), "name": text6("orders-cache"),
			"fork":      within(schema, "fork", map[string]tftypes.Value{"url_wo": source}),
			"migration": within(schema, "migration", map[string]tftypes.Value{"accept_unproven": tftypes.NewValue(tftypes.Bool, true)}),
		})
	}
	is := schema.ValueType()
	config := dynamic(t, is, whole(text6(source)))
	nothing := dynamic(t, is, tftypes.NewValue(is, nil))
	validated, err := server.ValidateResourceConfig(t.Context(), &tfprotov6.ValidateResourceConfigRequest{
		TypeName: "kvs_instance", Config: config, ClientCapabilities: &tfprotov6.ValidateResourceConfigClientCapabilities{
			WriteOnlyAttributesAllowed: true},
	})
	if err != nil || failed(validated.Diagnostics) {
		return validated.Diagnostics
	}
	planned, err := server.PlanResourceChange(t.Context(), &tfprotov6.PlanResourceChangeRequest{
		TypeName: "kvs_instance", Config: config, PriorState: nothing,
		ProposedNewState: dynamic(t, is, whole(tftypes.NewValue(tftypes.String, nil))),
	})
	if err != nil || failed(planned.Diagnostics) {
		return slices.Concat(validated.Diagnostics, planned.Diagnostics)
	}
	applied, err := server.ApplyResourceChange(t.Context(), &tfprotov6.ApplyResourceChangeRequest{
		TypeName: "kvs_instance", Config: config, PriorState: nothing, PlannedState: planned.PlannedState, PlannedPrivate: planned.PlannedPrivate,
	})
	if err != nil {
		t.Fatal(err)
	}
	return slices.Concat(validated.Diagnostics, planned.Diagnostics, applied.Diagnostics)
}

func text6(s string) tftypes.Value { return tftypes.NewValue(tftypes.String, s) }

// within returns a nested object of a schema, with null for all attributes that are not given.
func within(schema *tfprotov6.Schema, attribute string, given map[string]tftypes.Value) tftypes.Value {
	is := schema.ValueType().(tftypes.Object).AttributeTypes[attribute]
	members := map[string]tftypes.Value{}
	for name, member := range is.(tftypes.Object).AttributeTypes {
		members[name] = tftypes.NewValue(member, nil)
	}
	maps.Copy(members, given)
	return tftypes.NewValue(is, members)
}

func failed(diagnostics []*tfprotov6.Diagnostic) bool {
	return slices.ContainsFunc(diagnostics, func(d *tfprotov6.Diagnostic) bool { return d.Severity == tfprotov6.DiagnosticSeverityError })
}

func words(diagnostics []*tfprotov6.Diagnostic) string {
	var b strings.Builder
	for _, d := range diagnostics {
		fmt.Fprintf(&b, "%s: %s\n", d.Summary, d.Detail)
	}
	return b.String()
}

// A store's own URL may have such a password. Reading it returns it unchanged, or an error without a part of it.
func TestAccURLs_ofStores(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t, func(o *sandbox.Options) { o.Engine = "miniredis" })
	there := createFixture(t, sb)
	for name, u := range urls() {
		t.Run(name, func(t *testing.T) {
			said, _ := json.Marshal(map[string]any{"addon_id": there["store"], "name": "orders-cache", "plan": "premium-0", "resource_url": u.text,
				"info": []any{map[string]any{"name": "Status", "values": []string{"Available"}}}})
			answer := string(said)
			sb.Inject(sandbox.Fault{Match: aStore, Do: sandbox.Effect{Status: 200, Body: &answer}})
			defer sb.Clear()
			provider, schemas := server(t, sb)
			for _, s := range sources {
				if s.read.Path == aStore.Path && s.kind == "data" {
					diagnostics := s.ask(t, provider, schemas, there)
					expectSound(t, diagnostics)
					expectNoSecret(t, diagnostics, u.text)
				}
			}
			schema := schemas.EphemeralResourceSchemas["kvs_credentials"]
			opened, err := provider.OpenEphemeralResource(t.Context(), &tfprotov6.OpenEphemeralResourceRequest{
				TypeName: "kvs_credentials", Config: dynamic(t, schema.ValueType(),
					object(schema, map[string]tftypes.Value{"instance_id": text6(there["store"])})),
			})
			if err != nil {
				t.Fatal(err)
			}
			expectSound(t, opened.Diagnostics)
			expectNoSecret(t, opened.Diagnostics, u.text)
			if failed(opened.Diagnostics) {
				if !u.refused && !u.either {
					t.Errorf("it is refused: %s", words(opened.Diagnostics))
				}
				return
			}
			var result map[string]tftypes.Value
			value, err := opened.Result.Unmarshal(schema.ValueType())
			if err == nil {
				err = value.As(&result)
			}
			if err != nil || !result["url"].Equal(text6(u.text)) || u.refused {
				t.Errorf("the result has another URL: %v, %s", err, result["url"])
			}
		})
	}
}

// spellings returns the secret parts of a URL in all spellings.
func spellings(secret string) []string {
	parts := []string{secret}
	if strings.Contains(secret, canary) {
		parts = append(parts, canary, "Before")
	}
	if u, err := url.Parse(secret); err == nil {
		if password, _ := u.User.Password(); len(password) > 5 {
			parts = append(parts, password, url.QueryEscape(password), url.PathEscape(password), fmt.Sprintf("%q", password))
		}
	}
	return parts
}
