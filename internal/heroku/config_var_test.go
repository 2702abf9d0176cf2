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
	"testing"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
)

const configVarsPath = "/apps/" + string(appID) + "/config-vars"

func TestConfigVarIsTheOnlyOneThatIsDecoded(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body   string
		value  string
		set    bool
		failed bool
	}{
		"set":                            {`{"MEMO":"{\"a\":1}","REDIS_URL":"rediss://:canary@h:1"}`, `{"a":1}`, true, false},
		"set to nothing":                 {`{"MEMO":""}`, "", true, false},
		"null":                           {`{"MEMO":null}`, "", false, false},
		"absent":                         {`{"MEMO_URL":"canary"}`, "", false, false},
		"beside one of another type":     {`{"MEMO":"yes","OTHER":{"canary":[1]}}`, "yes", true, false},
		"of another type":                {`{"MEMO":{"canary":1}}`, "", false, true},
		"in an answer that is no object": {`["canary"]`, "", false, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := serve(t, func(w http.ResponseWriter, _ *http.Request, _ int) { reply(w, 200, c.body) })
			value, set, err := srv.client(t).ConfigVar(t.Context(), appID, "MEMO")
			if value != c.value || set != c.set || (err != nil) != c.failed {
				t.Errorf("%q, %v, %v", value, set, err)
			}
			if err != nil && strings.Contains(err.Error(), "canary") {
				t.Errorf("the error repeats a value: %v", err)
			}
			if first := srv.requests()[0]; first != "GET "+configVarsPath {
				t.Error(first)
			}
		})
	}
}

func TestConfigVarIsSetAndRemoved(t *testing.T) {
	t.Parallel()
	const patch, get = "PATCH " + configVarsPath, "GET " + configVarsPath
	value := "held"
	for name, c := range map[string]struct {
		value  *string
		body   string
		answer string // to the PATCH
		now    string
		want   []string
		ok     bool
	}{
		"set":                         {&value, `{"MEMO":"held"}`, "", "", []string{patch}, true},
		"removed":                     {nil, `{"MEMO":null}`, "", "", []string{patch}, true},
		"set, lost, and done":         {&value, `{"MEMO":"held"}`, "200 HTML", `{"MEMO":"held"}`, []string{patch, get}, true},
		"set, lost, and not done":     {&value, `{"MEMO":"held"}`, "200 HTML", `{}`, []string{patch, get}, false},
		"set, lost, and set by other": {&value, `{"MEMO":"held"}`, "200 HTML", `{"MEMO":"else"}`, []string{patch, get}, false},
		"removed, lost, and done":     {nil, `{"MEMO":null}`, "200 HTML", `{"OTHER":"1"}`, []string{patch, get}, true},
		"removed, lost, not done":     {nil, `{"MEMO":null}`, "200 HTML", `{"MEMO":"held"}`, []string{patch, get}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) {
				if r.Method == "GET" {
					reply(w, 200, c.now)
					return
				}
				if body := sent(t, r); body != c.body {
					t.Errorf("sent %s", body)
				}
				if c.answer != "" {
					outcomes[c.answer](w, r)
					return
				}
				reply(w, 200, `{"REDIS_URL":"rediss://:canary@h:1"`) // invalid JSON, to show that it is not decoded
			})
			if err := srv.client(t).SetConfigVar(t.Context(), appID, "MEMO", c.value); (err == nil) != c.ok {
				t.Error(err)
			}
			if !slices.Equal(srv.requests(), c.want) {
				t.Error(srv.requests())
			}
		})
	}
}

func TestConfigVarIsNotRepeatedByARefusal(t *testing.T) {
	t.Parallel()
	value := "canary-value"
	srv := serve(t, func(w http.ResponseWriter, _ *http.Request, _ int) {
		reply(w, 422, fmt.Sprintf(`{"id":"invalid_params","message":"%s is too long, and so is rediss://:canary-url@h:1"}`, value))
	})
	var logged []string
	client := srv.client(t, func(o *heroku.Options) {
		o.Observe = func(_ context.Context, a heroku.Attempt) { logged = append(logged, a.Err) }
	})
	err := client.SetConfigVar(t.Context(), appID, "MEMO", &value)
	if said := fmt.Sprint(err, logged); !heroku.HasID(err, "invalid_params") || strings.Contains(said, "canary") {
		t.Error(said)
	}
}

func TestWaitForAConfigVar(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		polls   []string // bodies; the last one stays
		outcome heroku.WaitOutcome
		gone    bool
	}{
		"changed after a while": {[]string{`{"URL":"canary-old"}`, `{}`, `{"URL":"canary-old"}`, `{"URL":"canary-new"}`}, 0, false},
		"never changed":         {[]string{`{"URL":"canary-old"}`}, heroku.TimedOut, false},
		"removed":               {[]string{`{"URL":"canary-old"}`, `{"OTHER":"canary-new"}`}, heroku.Failed, false},
		"of an app that goes":   {[]string{`{"URL":"canary-old"}`, notFound}, heroku.Failed, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := serve(t, func(w http.ResponseWriter, _ *http.Request, n int) {
				body := c.polls[min(n, len(c.polls))-1]
				reply(w, map[bool]int{true: 404, false: 200}[body == notFound], body)
			})
			err := srv.client(t).WaitConfigVar(t.Context(), appID, "URL", 5*time.Minute,
				func(value heroku.Secret) bool { return value.Reveal() == "canary-new" })
			var failed *heroku.WaitError
			if (err == nil) != (c.outcome == 0) || err != nil && (!errors.As(err, &failed) || failed.Outcome != c.outcome) ||
				heroku.IsNotFound(err) != c.gone {
				t.Error(err)
			}
			if strings.Contains(fmt.Sprint(err), "canary") {
				t.Error(err)
			}
		})
	}
}
