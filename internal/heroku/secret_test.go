// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
)

const canaryURL = "rediss://h:canary-password@ec2-203-0-113-40.example:6380"

// printed formats a value in all ways in which it may reach a log.
func printed(t *testing.T, v any) string {
	t.Helper()
	var b bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		fmt.Fprintf(&b, verb+"\n", v)
		fmt.Fprintf(&b, verb+"\n", &v)
		fmt.Fprintf(&b, verb+"\n", []any{v})
	}
	asJSON, err := json.Marshal(v)
	if err != nil {
		asJSON = []byte(err.Error())
	}
	b.Write(asJSON)
	slog.New(slog.NewTextHandler(&b, nil)).Info("x", "v", v)
	slog.New(slog.NewJSONHandler(&b, nil)).Info("x", "v", v)
	return b.String()
}

func TestNoValuePrintsASecret(t *testing.T) {
	t.Parallel()
	srv := serve(t, func(w http.ResponseWriter, _ *http.Request, _ int) {
		reply(w, 200, strings.Replace(storeJSON, "rediss://:p8f1c0de@ec2-203-0-113-40.compute-1.amazonaws.com:6380", canaryURL, 1))
	})
	c := srv.client(t)
	store, err := c.Store(t.Context(), addOnID)
	if err != nil || store.ResourceURL.Reveal() != canaryURL {
		t.Fatalf("no positive control: %v", err)
	}
	credential := heroku.Credential{Token: token, Source: "the test"}
	for name, v := range map[string]any{
		"Store": store, "*Store": &store, "Secret": store.ResourceURL, "Credential": credential, "*Credential": &credential, "Client": c,
		"Options": heroku.Options{Credential: credential}, "*Options": &heroku.Options{Credential: credential},
		"holder of a Client": struct{ C *heroku.Client }{c}, "holder of a Store": struct{ S heroku.Store }{store},
	} {
		out := printed(t, v)
		for what, secret := range map[string]string{
			"password": "canary-password", "token": token, "token in hex": fmt.Sprintf("%x", token), "URL in hex": fmt.Sprintf("%x", canaryURL),
		} {
			if strings.Contains(strings.ToLower(out), strings.ToLower(secret)) {
				t.Errorf("%s shows the %s: %s", name, what, out)
			}
		}
	}
	if out := printed(t, credential); !strings.Contains(out, "the test") {
		t.Errorf("the source of the credential is no secret: %s", out)
	}
}

// A token can have the form of a request id.
func TestARequestIDThatIsTheTokenIsNotShown(t *testing.T) {
	t.Parallel()
	const sent, uuidToken = "1b9c7a55-5f0f-4a8e-9a53-0b6a3f1d2c4e", "0c6f2c5e-7d0b-4b71-8f5e-9a4b3c2d1e0f"
	for header, want := range map[string]string{
		sent:                                sent,
		sent + "," + sent:                   sent + "," + sent,
		uuidToken:                           "(sensitive)",
		sent + "," + uuidToken:              sent + ",(sensitive)",
		sent + "," + uuidToken + "," + sent: sent + ",(sensitive)," + sent,
		sent + ", " + uuidToken:             sent + ", (sensitive)",
		"urn:uuid:" + uuidToken:             "urn:uuid:(sensitive)",
		strings.Repeat(sent+",", 9):         strings.Repeat(sent+",", 5) + "1b9c7a55-5f0f-…",
	} {
		srv := serve(t, func(w http.ResponseWriter, _ *http.Request, _ int) {
			w.Header().Set("Request-Id", header)
			w.WriteHeader(404)
		})
		c := srv.client(t, func(o *heroku.Options) { o.Credential.Token = uuidToken })
		_, err := c.Store(t.Context(), addOnID)
		if failed := (*heroku.BodyError)(nil); !errors.As(err, &failed) || failed.RequestID != want {
			t.Errorf("%s is shown as %v, want %s", header, err, want)
		}
	}
}

// Secrets that a server or a proxy repeats do not reach an error or a log.
func TestNoErrorOrAttemptShowsASecret(t *testing.T) {
	t.Parallel()
	says := token + " " + canaryURL
	hijack := func(w http.ResponseWriter, raw string) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = conn.Write([]byte(strings.ReplaceAll(raw, says, says+" canary without a form")))
		_ = conn.Close()
	}
	evil := map[string]func(http.ResponseWriter){
		"error body": func(w http.ResponseWriter) {
			reply(w, 422, fmt.Sprintf(`{"id":%[1]q,"message":"fork of %[1]s failed","url":%[1]q,"resource":%[1]q}`, says))
		},
		"final header": func(w http.ResponseWriter) {
			for _, h := range []string{"Request-Id", "X-Confirmation-Required", "Retry-After", "RateLimit-Remaining", "Location", "Content-Type"} {
				w.Header().Set(h, says)
			}
			w.WriteHeader(423)
			_, _ = w.Write([]byte(`{"id":"confirmation_required","message":"x"}`))
		},
		"request id": func(w http.ResponseWriter) { w.Header().Set("Request-Id", says); w.WriteHeader(404) },
		"type":       func(w http.ResponseWriter) { w.Header().Set("Content-Type", "text/"+token); w.WriteHeader(404) },
		"HTML":       func(w http.ResponseWriter) { reply(w, 403, "<html>"+says) },
		"body":       func(w http.ResponseWriter) { reply(w, 200, `{"id":["`+says+`"],"name":"`+says+`","plan":`) },
		"wrong type": func(w http.ResponseWriter) { reply(w, 200, `["`+says+`",{"`+says+`":1}]`) },
		"redirect":   func(w http.ResponseWriter) { w.Header().Set("Location", canaryURL+"/"+token); w.WriteHeader(302) },
		"bad status": func(w http.ResponseWriter) { hijack(w, "HTTP/1.1 "+says+"\r\n\r\n") },
		"bad header": func(w http.ResponseWriter) { hijack(w, "HTTP/1.1 200 OK\r\n"+says+"\r\n\r\n") },
		"bad length": func(w http.ResponseWriter) { hijack(w, "HTTP/1.1 200 OK\r\nContent-Length: "+says+"\r\n\r\n") },
		"bad coding": func(w http.ResponseWriter) {
			hijack(w, "HTTP/1.1 200 OK\r\nTransfer-Encoding: "+says+"\r\n\r\n")
		},
		"bad chunk": func(w http.ResponseWriter) {
			hijack(w, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"+says+"\r\n\r\n")
		},
		"no HTTP": func(w http.ResponseWriter) { hijack(w, says+"\r\n") },
	}
	for name, answer := range evil {
		for op, o := range operations {
			t.Run(op+" with "+name, func(t *testing.T) {
				t.Parallel()
				var mu sync.Mutex
				var seen []heroku.Attempt
				srv := serve(t, func(w http.ResponseWriter, _ *http.Request, _ int) { answer(w) })
				c := srv.client(t, func(o *heroku.Options) {
					o.AttemptTimeout = 2 * time.Second
					o.Observe = func(_ context.Context, a heroku.Attempt) {
						mu.Lock()
						defer mu.Unlock()
						seen = append(seen, a)
					}
				})
				err := o.do(t.Context(), c)
				if err == nil || len(seen) == 0 {
					t.Fatalf("%v, %d attempts", err, len(seen))
				}
				var transport *heroku.TransportError
				var said *heroku.Error
				var body *heroku.BodyError
				_, _, _ = errors.As(err, &transport), errors.As(err, &said), errors.As(err, &body)
				for _, v := range []any{err, err.Error(), seen, transport, said, body, &seen} {
					if out := printed(t, v); strings.Contains(out, "canary") || strings.Contains(out, "HRKU") {
						t.Errorf("%T shows a secret: %s", v, out)
					}
				}
				if strings.ContainsAny(err.Error(), "\r\n") {
					t.Errorf("%q", err)
				}
			})
		}
	}
}

func TestPasswordsThatNobodyEncodedAreScrubbed(t *testing.T) {
	t.Parallel()
	for _, u := range []string{
		"rediss://:canary@host:6380", "redis://h:can/ary@host", "REDIS://u:canary%40x@host/0", "postgres://u:canary@h", "https://canary@h/x",
	} {
		srv := serve(t, func(w http.ResponseWriter, _ *http.Request, _ int) {
			reply(w, 422, fmt.Sprintf(`{"id":"x","message":"before \"%s\" after"}`, u))
		})
		_, err := srv.client(t).FindAddOn(t.Context(), "x")
		if err == nil || strings.Contains(err.Error(), "ary") || !strings.Contains(err.Error(), "before") ||
			!strings.Contains(err.Error(), "after") {
			t.Errorf("%s: %v", u, err)
		}
	}
}
