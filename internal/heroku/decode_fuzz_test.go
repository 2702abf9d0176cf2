// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
)

// model is a type that the client reads.
type model struct {
	name   string
	answer string // a response body with all its fields
	read   func(context.Context, *heroku.Client) (any, error)
}

var models = []model{
	{"app", `{"id":"e3b1","name":"orders-api","region":{"name":"virginia"},"team":{"name":"acme"},` +
		`"space":{"id":"2d6f","name":"prod","shield":true},"maintenance":true,"internal_routing":true,"web_url":"https://x.example","created_at":"2026-01-14T09:10:41Z","updated_at":null}`,
		func(ctx context.Context, c *heroku.Client) (any, error) { return c.FindApp(ctx, "orders-api") }},
	{"add-on", addOnJSON(addOnID, "acme-cache", "provisioned"),
		func(ctx context.Context, c *heroku.Client) (any, error) { return c.FindAddOn(ctx, "acme-cache") }},
	{"add-ons", "[" + addOnJSON(addOnID, "acme-cache", "provisioned") + "]",
		func(ctx context.Context, c *heroku.Client) (any, error) { return c.AppAddOns(ctx, appID) }},
	{"resolved add-ons", "[" + addOnJSON(addOnID, "acme-cache", "provisioned") + "]",
		func(ctx context.Context, c *heroku.Client) (any, error) { return c.ResolveAddOn(ctx, "a", "REDIS") }},
	{"attachment", attachmentJSON(attachmentID, "REDIS", addOnID),
		func(ctx context.Context, c *heroku.Client) (any, error) { return c.AppAttachment(ctx, "a", "REDIS") }},
	{"attachments", "[" + attachmentJSON(attachmentID, "REDIS", addOnID) + "]",
		func(ctx context.Context, c *heroku.Client) (any, error) { return c.AddOnAttachments(ctx, addOnID) }},
	{"space",
		`{"id":"2d6f","name":"prod","team":{"name":"acme"},"region":{"name":"virginia"},"state":"allocated","shield":true,"cidr":"10.0.0.0/16",` +
			`"data_cidr":"172.23.0.0/20","generation":"fir","created_at":"2026-01-14T09:10:41Z","updated_at":"2026-01-14T09:10:44Z"}`,
		func(ctx context.Context, c *heroku.Client) (any, error) { return c.FindSpace(ctx, "prod") }},
	{"addresses", `{"state":"enabled","sources":["203.0.113.1","203.0.113.2"]}`,
		func(ctx context.Context, c *heroku.Client) (any, error) { return c.SpaceNAT(ctx, "2d6f") }},
	{"rules",
		`{"id":"5a0b","applied":true,"created_by":"ops@acme.example","created_at":"x","rules":[{"action":"allow","source":"192.0.2.0/26"}]}`,
		func(ctx context.Context, c *heroku.Client) (any, error) { return c.TrustedRanges(ctx, "2d6f") }},
	{"store", `{"addon_id":"7c4e","name":"acme-cache","plan":"heroku-redis:premium-0","version":"7.2.4","created_at":"2026","resource_url":"` +
		canaryURL + `",` +
		`"info":[{"name":"Status","values":["Available"]},{"name":"Timeout","values":["300"]},{"name":"Maxmemory","values":["noeviction"]},` +
		`{"name":"Keyspace Notifications","values":["Disabled"]},{"name":"Requires TLS","values":["Yes"]},` +
		`{"name":"Maintenance","values":["not required"]}]}`,
		func(ctx context.Context, c *heroku.Client) (any, error) { return c.Store(ctx, addOnID) }},
	{"plans",
		`[{"id":"ad3f","name":"heroku-redis:private-7","human_name":"Private 7","price":{"cents":90000},"visible":true,"space_default":"true"}]`,
		func(ctx context.Context, c *heroku.Client) (any, error) { return c.Plans(ctx) }},
	{"regions",
		`[{"id":"3544","name":"virginia","country":"US","private_capable":true,"provider":{"name":"amazon-web-services","region":"us-east-1"}}]`,
		func(ctx context.Context, c *heroku.Client) (any, error) { return c.Regions(ctx) }},
	{"rate limit", `{"remaining":4312}`,
		func(ctx context.Context, c *heroku.Client) (any, error) { return c.RateLimit(ctx) }},
	{"names of config vars", `{"REDIS_URL":"` + canaryURL + `","CACHE_TTL":null}`,
		func(ctx context.Context, c *heroku.Client) (any, error) { return c.ConfigVarNames(ctx, appID) }},
	{"config var", `{"REDIS_URL":"` + canaryURL + `","CACHE_TTL":null}`,
		func(ctx context.Context, c *heroku.Client) (any, error) {
			value, _, err := c.ConfigVar(ctx, appID, "REDIS_URL")
			return value, err
		}},
	{"processes", `[{"type":"web","quantity":2,"size":"Private-M"},{"type":"worker","quantity":"1","dyno_size":{"name":"Private-S"}}]`,
		func(ctx context.Context, c *heroku.Client) (any, error) { return c.Formation(ctx, appID) }},
	{"maintenance",
		`{"addon":{"uuid":"7c4e","name":"acme-cache","window":"Fridays 18:00 to 22:00 UTC"},"app":{"uuid":"e3b1","name":"orders-api"},` +
			`"status":"completed","method":"changeover","reason":"routine_maintenance","required_by":"2026-01-14 09:10:41 +0000",` +
			`"duration_seconds":42.5,"scheduled_for":"2026-01-14T09:10:41Z","started_at":"2026-01-14 09:10 UTC","customer_requested":true}`,
		func(ctx context.Context, c *heroku.Client) (any, error) { return c.Maintenance(ctx, addOnID) }},
	{"maintenances", `{"maintenances":[{"status":"pending"},{"status":"none","duration_seconds":null}]}`,
		func(ctx context.Context, c *heroku.Client) (any, error) { return c.MaintenanceHistory(ctx, addOnID, 5) }},
	{"window", `{"window":"Mondays 22:30 to Tuesdays 02:30 UTC","previous_window":"x","scheduled_at":"2026-01-14T09:10:41Z"}`,
		func(ctx context.Context, c *heroku.Client) (any, error) { return c.MaintenanceWindow(ctx, addOnID) }},
}

// A response is either decoded, always to the same value and only to values that it contains, or refused with an error that quotes
// nothing of it.
func FuzzDecodeModels(f *testing.F) {
	for i, m := range models {
		f.Add(uint8(i), []byte(m.answer))
	}
	for _, duration := range []string{`"NaN"`, `"Inf"`, `-1`, `1e300`, `"-0x1p-2"`} {
		f.Add(uint8(16), []byte(`{"status":"completed","duration_seconds":`+duration+`}`))
	}
	for _, body := range []string{``, `null`, `[]`, `{}`, `<html>`, `{"id":`, `[null]`, `{"id":1e3,"name":true}`,
		`{"id":{"id":[]},"name":""}`} {
		f.Add(uint8(len(body)), []byte(body))
	}
	refusal := regexp.MustCompile(`^[A-Z]+ [^ ]+: the answer, with status 200, cannot be understood: ` +
		`(it (is|has) [A-Za-z ,-]+|a part of it has another type than documented) \(application/json, 3 tries\)$`)
	f.Fuzz(func(t *testing.T, which uint8, body []byte) {
		m := models[int(which)%len(models)]
		read := func() (any, error) {
			return m.read(t.Context(), answers(t, newClock(), func(int, *http.Request) *http.Response { return jsonResponse(200, string(body)) }))
		}
		got, err := read()
		if again, e := read(); !reflect.DeepEqual(got, again) || (err == nil) != (e == nil) {
			t.Errorf("%s: read as %+v, %v, and again as %+v, %v", m.name, got, err, again, e)
		}
		if err == nil {
			content{m.name, tokens(t, body)}.hasAll(t, reflect.ValueOf(got))
			return
		}
		var refused *heroku.BodyError
		if !errors.As(err, &refused) || !refusal.MatchString(err.Error()) {
			t.Errorf("%s: %v", m.name, err)
		}
		if v := reflect.ValueOf(got); v.Kind() == reflect.Slice && v.Len() > 0 || v.Kind() != reflect.Slice && !v.IsZero() {
			t.Errorf("%s: an error comes with %+v", m.name, got)
		}
	})
}

// content holds the JSON tokens of a response body: names, strings, numbers as they were written, true and false.
type content struct {
	name   string
	tokens []string
}

func tokens(t *testing.T, body []byte) []string {
	t.Helper()
	var all []string
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	for {
		token, err := decoder.Token()
		switch value := token.(type) {
		case string:
			all = append(all, value)
		case json.Number:
			all = append(all, value.String())
		case bool:
			all = append(all, strconv.FormatBool(value))
		}
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatalf("%q was read, and is no JSON: %v", body, err)
		}
	}
}

func (s content) has(t *testing.T, what any, is func(string) bool) {
	t.Helper()
	for _, token := range s.tokens {
		if is(token) {
			return
		}
	}
	t.Errorf("%s: %v was not sent, but %q", s.name, what, s.tokens)
}

// hasAll checks that every value in a model appears in the response.
func (s content) hasAll(t *testing.T, v reflect.Value) {
	t.Helper()
	switch value := v.Interface().(type) {
	case time.Time:
		if !value.IsZero() {
			s.has(t, value, func(token string) bool { return len(token) > 4 && within(value, token) })
		}
		return
	case time.Duration:
		s.has(t, value, func(token string) bool {
			seconds, err := strconv.ParseFloat(token, 64)
			return err == nil && time.Duration(seconds*float64(time.Second)) == value && (seconds < 0) == (value < 0)
		})
		return
	}
	switch v.Kind() {
	case reflect.String:
		if v.Len() > 0 {
			s.has(t, v.String(), func(token string) bool {
				return strings.TrimPrefix(token, "heroku-redis:") == strings.TrimPrefix(v.String(), "heroku-redis:")
			})
		}
	case reflect.Int:
		if !v.IsZero() {
			s.has(t, v.Int(), func(token string) bool {
				n, err := strconv.ParseFloat(strings.TrimSpace(token), 64)
				return err == nil && n == float64(v.Int())
			})
		}
	case reflect.Bool:
		if v.Bool() {
			s.has(t, true, func(token string) bool { return strings.EqualFold(token, "true") || strings.EqualFold(token, "yes") })
		}
	case reflect.Slice:
		if v.Len() > len(s.tokens) {
			t.Errorf("%s: %d elements of %q", s.name, v.Len(), s.tokens)
		}
		for i := range v.Len() {
			s.hasAll(t, v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			s.hasAll(t, v.Field(i))
		}
	case reflect.Pointer:
		if !v.IsNil() {
			s.hasAll(t, v.Elem())
		}
	default:
		t.Errorf("%s: a model with a %s", s.name, v.Kind())
	}
}

// within reports whether a time is within two days of the date that a text begins with, since the time zone may differ.
func within(value time.Time, text string) bool {
	day, err := time.Parse(time.DateOnly, text[:min(len(text), len(time.DateOnly))])
	return err == nil && value.Sub(day).Abs() <= 48*time.Hour
}

// An error repeats Heroku's message, but neither the token nor a password in a URL.
func FuzzDecodeRefusal(f *testing.F) {
	f.Add("invalid_params", "The fork of ", "canary-password", " failed.")
	f.Add("", "", `p/a:s@s#w"o'r<d>`, "@b c")
	f.Add("x://", "a://", "pass word", "\n@\t")
	f.Fuzz(func(t *testing.T, id, before, password, after string) {
		if password = urlPassword(password); len(password) < 6 || strings.Contains(id+before+after+"redis://:"+token, password) {
			return // too short to be redacted, or part of the other texts
		}
		text := before + "rediss://:" + password + "@ec2.example:6380 " + token + after
		body, err := json.Marshal(map[string]string{"id": id, "message": text, "url": text, "resource": text})
		if err != nil {
			t.Fatal(err)
		}
		_, err = answers(t, newClock(), func(int, *http.Request) *http.Response {
			return jsonResponse(422, string(body), "Request-Id", text, "X-Confirmation-Required", text)
		}).FindApp(t.Context(), "orders-api")
		var e *heroku.Error
		if !errors.As(err, &e) || e.Status != 422 {
			t.Fatal(err)
		}
		for _, shown := range []string{err.Error(), e.ID, e.Message, e.URL, e.Resource, e.RequestID, e.ConfirmationRequired} {
			if strings.Contains(shown, password) || strings.Contains(shown, token) {
				t.Errorf("%q or the token is shown: %s", password, shown)
			}
		}
	})
}

// urlPassword encodes a password for a URL.
func urlPassword(s string) string { return strings.TrimPrefix(url.UserPassword("", s).String(), ":") }
