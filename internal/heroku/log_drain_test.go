// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
)

const (
	drainSecret = "canary-drain-token"
	drainURL    = heroku.Secret("https://acme:canary-drain-password@logs.acme.example/" + drainSecret + "?key=canary-drain-key")
)

func TestLogDrainIsReplaced(t *testing.T) {
	t.Parallel()
	const put, get = "PUT /spaces/" + string(spaceID) + "/log-drain", "GET /spaces/" + string(spaceID) + "/log-drain"
	drain := func(url string) string {
		return fmt.Sprintf(
			`{"addon":null,"created_at":"2026-01-14T08:30:12Z","id":"d1","token":"d.99","updated_at":"2026-01-14T08:30:12Z","url":%q}`, url)
	}
	for name, c := range map[string]struct {
		answer string
		now    heroku.Secret
		want   []string
		ok     bool
	}{
		"answered":              {"", drainURL, []string{put}, true},
		"lost, and done":        {"200 HTML", drainURL, []string{put, get}, true},
		"lost, and not done":    {"200 HTML", "https://logs.acme.example/old", []string{put, get}, false},
		"reset again and again": {"reset", drainURL, []string{put, put, put, put, get}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) {
				if r.Method == "PUT" {
					if body := sent(t, r); body != toJSON(t, map[string]string{"url": drainURL.Reveal()}) {
						t.Errorf("sent %s", body)
					}
					if c.answer != "" {
						outcomes[c.answer](w, r)
						return
					}
				}
				reply(w, 200, drain(c.now.Reveal()))
			})
			if err := srv.client(t).SetSpaceLogDrain(t.Context(), spaceID, drainURL); (err == nil) != c.ok {
				t.Error(err)
			}
			if !slices.Equal(srv.requests(), c.want) {
				t.Error(srv.requests())
			}
		})
	}
}

// When Heroku refuses a URL, its message may repeat the URL or a part of it.
func TestNoErrorOrAttemptShowsALogDrain(t *testing.T) {
	t.Parallel()
	calls := map[string]func(context.Context, *heroku.Client) error{
		"create": func(ctx context.Context, c *heroku.Client) error {
			_, err := c.CreateSpace(ctx, heroku.SpaceCreate{Name: "acme-prod", Team: "acme-platform", LogDrainURL: drainURL})
			return err
		},
		"replace": func(ctx context.Context, c *heroku.Client) error { return c.SetSpaceLogDrain(ctx, spaceID, drainURL) },
	}
	for name, says := range map[string]string{
		"the whole URL":                     drainURL.Reveal(),
		"the URL without user and password": strings.Replace(drainURL.Reveal(), "acme:canary-drain-password@", "", 1),
		"its path":                          "/" + drainSecret + "?key=canary-drain-key",
		"its query":                         "key=canary-drain-key",
		"its password":                      "canary-drain-password",
	} {
		for how, answer := range map[string]func(http.ResponseWriter){
			"a refusal": func(w http.ResponseWriter) {
				reply(w, 422, toJSON(t, map[string]string{"id": says, "message": "Cannot reach " + says + " now", "url": says, "resource": says}))
			},
			"an escaped refusal": func(w http.ResponseWriter) {
				reply(w, 422, `{"id":"invalid_params","message":"`+strings.NewReplacer("/", `\/`, "c", `\u0063`).Replace(says)+`"}`)
			},
			"a failure": func(w http.ResponseWriter) { reply(w, 500, toJSON(t, map[string]string{"message": says})) },
			"a page":    func(w http.ResponseWriter) { reply(w, 422, "<html>"+says) },
			"a header": func(w http.ResponseWriter) {
				for _, h := range []string{"Request-Id", "X-Confirmation-Required", "Content-Type"} {
					w.Header().Set(h, "text/"+says)
				}
				w.WriteHeader(423)
				_, _ = w.Write([]byte(`{"id":"confirmation_required","message":"x"}`))
			},
			"an unreadable success": func(w http.ResponseWriter) { reply(w, 200, `["`+says+`"]`) },
			"a broken answer": func(w http.ResponseWriter) {
				if conn, _, err := w.(http.Hijacker).Hijack(); err == nil {
					_, _ = conn.Write([]byte("HTTP/1.1 " + says + "\r\n\r\n"))
					_ = conn.Close()
				}
			},
		} {
			for call, do := range calls {
				t.Run(call+", "+how+" with "+name, func(t *testing.T) {
					t.Parallel()
					var mu sync.Mutex
					var seen []heroku.Attempt
					srv := serve(t, func(w http.ResponseWriter, _ *http.Request, _ int) { answer(w) })
					c := srv.client(t, func(o *heroku.Options) {
						o.Observe = func(_ context.Context, a heroku.Attempt) {
							mu.Lock()
							defer mu.Unlock()
							seen = append(seen, a)
						}
					})
					err := do(t.Context(), c)
					if err == nil || len(seen) == 0 {
						t.Fatalf("%v, %d attempts", err, len(seen))
					}
					var said *heroku.Error
					var body *heroku.BodyError
					var transport *heroku.TransportError
					_, _, _ = errors.As(err, &said), errors.As(err, &body), errors.As(err, &transport)
					for _, v := range []any{err, err.Error(), seen, said, body, transport} {
						if out := printed(t, v); strings.Contains(out, "canary") {
							t.Errorf("%T shows a secret: %s", v, out)
						}
					}
				})
			}
		}
	}
}

func TestRefusalOfALogDrainKeepsItsWords(t *testing.T) {
	t.Parallel()
	srv := serve(t, func(w http.ResponseWriter, _ *http.Request, _ int) {
		reply(w, 422, toJSON(t, map[string]string{
			"id": "invalid_params", "message": "The log drain " + drainURL.Reveal() + " does not answer.", "url": "https://devcenter.heroku.com/x",
		}))
	})
	_, err := srv.client(t).CreateSpace(t.Context(), heroku.SpaceCreate{Name: "acme-prod", Team: "acme", LogDrainURL: drainURL})
	var said *heroku.Error
	if !errors.As(err, &said) || said.ID != "invalid_params" || said.URL != "https://devcenter.heroku.com/x" ||
		said.Message != "The log drain (sensitive) does not answer." {
		t.Errorf("%#v", err)
	}
}

func TestOrderOfASpacePrintsNoLogDrain(t *testing.T) {
	t.Parallel()
	order := heroku.SpaceCreate{Name: "acme-prod", LogDrainURL: drainURL}
	for _, v := range []any{order, &order, []*heroku.SpaceCreate{&order}} {
		if out := printed(t, v); strings.Contains(out, "canary") || strings.Contains(out, fmt.Sprintf("%x", drainSecret)) {
			t.Errorf("%T shows a secret: %s", v, out)
		}
	}
	if out := printed(t, order); !strings.Contains(out, "acme-prod") {
		t.Errorf("the name is no secret: %s", out)
	}
}
