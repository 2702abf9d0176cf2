// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
)

// forms returns a text in the encodings in which a response may repeat it.
func forms(t *testing.T, text string) map[string]string {
	t.Helper()
	var percent, numeric, json4 strings.Builder
	for _, b := range []byte(text) {
		fmt.Fprintf(&percent, "%%%02x", b)
	}
	for _, r := range text {
		fmt.Fprintf(&numeric, "&#%d;", r)
		fmt.Fprintf(&json4, `\u%04X`, r)
	}
	asJSON, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	quoted := strings.Trim(string(asJSON), `"`)
	return map[string]string{
		"as it is": text, "in a query": url.QueryEscape(text), "in a path": url.PathEscape(text), "every byte for a URL": percent.String(),
		"for a URL twice": url.QueryEscape(url.QueryEscape(text)), "in JSON": quoted, "in JSON twice": strings.ReplaceAll(quoted, `\`, `\\`),
		"every character in JSON": json4.String(), "with slashes as PHP writes them": strings.ReplaceAll(text, "/", `\/`),
		"in HTML": html.EscapeString(text), "every character in HTML": numeric.String(),
		"in HTML twice":     html.EscapeString(html.EscapeString(text)),
		"in HTML for a URL": html.EscapeString(url.QueryEscape(text)),
	}
}

// No error repeats a store's password, however a response of Heroku, an add-on partner or a proxy encodes it.
func TestPasswordIsCutInEveryForm(t *testing.T) {
	t.Parallel()
	const password = `p4$/can&ary"w0+rdé<%>`
	storeURL := (&url.URL{Scheme: "rediss", User: url.UserPassword("h", password),
		Host: "ec2-203-0-113-40.compute-1.amazonaws.com:6380"}).String()
	told := map[string]string{}
	for name, form := range forms(t, password) {
		told["the password, "+name] = form
		told["user and password, "+name] = "h:" + form
	}
	for name, form := range forms(t, storeURL) {
		told["the URL, "+name] = form
	}
	for _, user := range []string{"h:", ":", "he:", ""} {
		for name, encoding := range map[string]*base64.Encoding{"standard": base64.StdEncoding, "for URLs": base64.RawURLEncoding} {
			told[fmt.Sprintf("%q and the password in base64, %s", user, name)] = encoding.EncodeToString([]byte(user + password))
			told[fmt.Sprintf("%q and the password in base64, %s, for a URL", user,
				name)] = url.QueryEscape(encoding.EncodeToString([]byte(user + password)))
			told[fmt.Sprintf("%q, the password and more in base64, %s", user, name)] = "Basic " + encoding.EncodeToString([]byte(user+password+"@x"))
		}
	}
	said := ""
	srv := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) {
		if r.Method == http.MethodGet {
			body, _ := json.Marshal(map[string]string{"addon_id": string(addOnID), "name": "x", "resource_url": storeURL})
			reply(w, 200, string(body))
			return
		}
		body, _ := json.Marshal(map[string]string{"id": "bad_" + said, "message": "before " + said + " after", "resource": said})
		reply(w, 422, string(body))
	})
	c := srv.client(t)
	if _, err := c.Store(t.Context(), addOnID); err != nil {
		t.Fatal(err)
	}
	for name, form := range told {
		said = form
		timeout := 5
		err := c.UpdateStoreConfig(t.Context(), addOnID, heroku.StoreConfigUpdate{Timeout: &timeout})
		if err == nil {
			t.Fatal("no refusal")
		}
		text := fmt.Sprintf("%v %+v %q", err, err, err)
		if strings.Contains(text, form) || strings.Contains(text, "ary") || strings.Contains(text, "w0") {
			t.Errorf("%s: %s", name, text)
		}
		if !strings.Contains(text, "(sensitive)") || !strings.Contains(err.Error(), "before") && err.Error() == "" {
			t.Errorf("%s leaves nothing: %s", name, text)
		}
	}
	said = "an innocent text with 100% & more"
	timeout := 5
	err := c.UpdateStoreConfig(t.Context(), addOnID, heroku.StoreConfigUpdate{Timeout: &timeout})
	if err == nil || !strings.Contains(err.Error(), said) {
		t.Errorf("a text without a secret is redacted: %v", err)
	}
}

// A URL with a password that this client has never seen is redacted too, even if it is escaped as a whole.
func TestUnknownURLsAreCutInEveryForm(t *testing.T) {
	t.Parallel()
	for name, form := range forms(t, "rediss://h:canary-password@ec2-203-0-113-40.example:6380") {
		srv := serve(t, func(w http.ResponseWriter, _ *http.Request, _ int) {
			body, _ := json.Marshal(map[string]string{"id": "x", "message": "before " + form + " after"})
			reply(w, 422, string(body))
		})
		_, err := srv.client(t).FindAddOn(t.Context(), "x")
		if name == "every byte for a URL" || name == "every character in JSON" || name == "every character in HTML" {
			continue // an unknown URL is not recognised if the letters of its scheme are escaped
		}
		if err == nil || strings.Contains(err.Error(), "canary") || !strings.Contains(err.Error(), "before") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// No error repeats the token, however it is encoded.
func TestTokenIsCutInEveryForm(t *testing.T) {
	t.Parallel()
	for name, form := range forms(t, token) {
		srv := serve(t, func(w http.ResponseWriter, _ *http.Request, _ int) {
			body, _ := json.Marshal(map[string]string{"id": "x", "message": "before " + form + " " +
				base64.StdEncoding.EncodeToString([]byte("me@acme.example:"+token)) + " after"})
			reply(w, 422, string(body))
		})
		_, err := srv.client(t).FindAddOn(t.Context(), "x")
		if err == nil || strings.Contains(err.Error(), form) || !strings.Contains(err.Error(), "before (sensitive) (sensitive) after") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
