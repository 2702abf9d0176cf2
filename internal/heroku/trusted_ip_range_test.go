// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
)

const rulesetPath = "/spaces/" + string(spaceID) + "/inbound-ruleset"

var office = []heroku.Rule{{Action: "allow", Source: "192.0.2.0/26"}, {Action: "allow", Source: "198.51.100.17/32"}}

// rulesetJSON returns a ruleset with these rules. applied is the JSON field applied with a comma, or empty.
func rulesetJSON(applied string, rules ...heroku.Rule) string {
	list := make([]string, len(rules))
	for i, r := range rules {
		list[i] = fmt.Sprintf(`{"action":%q,"source":%q}`, r.Action, r.Source)
	}
	return fmt.Sprintf(`{%s"created_at":"2026-01-14T08:40:03Z","created_by":"ops@acme.example","id":"6e8a0c2f-4b1d-4d3e-a5f7-9c8b7a6d5e4f",
"rules":[%s],"space":{"id":%q,"name":"acme-prod"}}`, applied, strings.Join(list, ","), spaceID)
}

func TestRulesetIsReadAsDocumented(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	set := func(applied *bool, rules ...heroku.Rule) heroku.Ruleset {
		return heroku.Ruleset{
			ID: "6e8a0c2f-4b1d-4d3e-a5f7-9c8b7a6d5e4f", SpaceID: spaceID, SpaceName: "acme-prod", Applied: applied, CreatedBy: "ops@acme.example",
			CreatedAt: "2026-01-14T08:40:03Z",
			Rules:     append([]heroku.Rule{}, rules...),
		}
	}
	for name, c := range map[string]struct {
		body string
		want heroku.Ruleset
	}{
		"in force":                    {rulesetJSON(`"applied":true,`, office...), set(&yes, office...)},
		"not in force yet":            {rulesetJSON(`"applied":false,`, office...), set(&no, office...)},
		"an older server":             {rulesetJSON(``, office...), set(nil, office...)},
		"applied is null":             {rulesetJSON(`"applied":null,`, office...), set(nil, office...)},
		"nobody may":                  {rulesetJSON(`"applied":true,`), set(&yes)},
		"members that nobody expects": {rulesetJSON(`"version":"2","default_action":"deny","x":[1],`, office...), set(nil, office...)},
		"a range as it was written, and a refusal": {
			rulesetJSON(``, heroku.Rule{Action: "deny", Source: "192.168.0.1/24"}), set(nil, heroku.Rule{Action: "deny", Source: "192.168.0.1/24"}),
		},
		"nulls": {`{"id":null,"created_at":null,"created_by":null,"rules":[]}`, heroku.Ruleset{Rules: []heroku.Rule{}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv, client := answering(t, c.body)
			got, err := client.TrustedRanges(t.Context(), spaceID)
			equal(t, got, c.want, err)
			wantRequest(t, srv, "GET "+rulesetPath)
		})
	}
}

// A response without rules must not read as a space that nobody can reach, and one with half a rule not as one without it.
func TestHalfARulesetIsRefused(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{}`, `{"id":"6e8a","rules":null}`, `{"id":"6e8a","rules":{}}`, `{"rules":[{"action":"allow"}]}`, `{"rules":[{"source":"192.0.2.0/26"}]}`,
		`{"rules":[null]}`, `[]`, `null`,
	} {
		_, client := answering(t, body)
		var unreadable *heroku.BodyError
		if set, err := client.TrustedRanges(t.Context(), spaceID); !errors.As(err, &unreadable) {
			t.Errorf("%s: %v, %v", body, set, err)
		}
	}
}

func TestSetTrustedRangesSendsTheWholeSet(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rules []heroku.Rule
		want  string
	}{
		"two":   {office, `{"rules":[{"action":"allow","source":"192.0.2.0/26"},{"action":"allow","source":"198.51.100.17/32"}]}`},
		"none":  {nil, `{"rules":[]}`},
		"empty": {[]heroku.Rule{}, `{"rules":[]}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var body string
			srv := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) {
				raw, _ := io.ReadAll(r.Body)
				body = string(raw)
				reply(w, 200, rulesetJSON(`"applied":false,`, c.rules...))
			})
			set, err := srv.client(t).SetTrustedRanges(t.Context(), spaceID, c.rules)
			if err != nil || !slices.Equal(set.Rules, c.rules) || body != c.want {
				t.Errorf("sent %s, got %v, %v", body, set, err)
			}
			wantRequest(t, srv, "PUT "+rulesetPath)
		})
	}
}

func TestLostAnswerAboutTrustedRangesIsResolvedByReading(t *testing.T) {
	t.Parallel()
	const put, get = "PUT " + rulesetPath, "GET " + rulesetPath
	turned := []heroku.Rule{office[1], office[0]}
	for name, c := range map[string]struct {
		answer string
		now    []heroku.Rule
		want   []string
		ok     bool
	}{
		"reset, and done":        {"reset", office, []string{put, put, put, put, get}, true},
		"server error, and done": {"503 empty", office, []string{put, put, put, put, get}, true},
		"unreadable, and done":   {"200 HTML", office, []string{put, get}, true},
		"done, in another order": {"200 empty", turned, []string{put, get}, true},
		"not done":               {"200 empty", nil, []string{put, get}, false},
		"one is missing":         {"200 empty", office[:1], []string{put, get}, false},
		"one of somebody else's as well": {"200 empty", append(turned, heroku.Rule{Action: "allow", Source: "0.0.0.0/0"}), []string{put, get},
			false},
		"another action": {"200 empty", []heroku.Rule{office[0], {Action: "deny", Source: office[1].Source}}, []string{put, get},
			false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) {
				if r.Method == "PUT" {
					outcomes[c.answer](w, r)
					return
				}
				reply(w, 200, rulesetJSON(``, c.now...))
			})
			set, err := srv.client(t).SetTrustedRanges(t.Context(), spaceID, office)
			if (err == nil) != c.ok || (c.ok && !slices.Equal(set.Rules, c.now)) {
				t.Errorf("%v, %v", set, err)
			}
			if !slices.Equal(srv.requests(), c.want) {
				t.Error(srv.requests())
			}
		})
	}
}

func TestRefusedTrustedRangesAreNotRepeated(t *testing.T) {
	t.Parallel()
	for status, body := range map[int]string{
		422: `{"id":"invalid_params","message":"A space can have 20 rules at most."}`,
		403: `{"id":"forbidden","message":"You must be an admin of the team."}`,
	} {
		srv := serve(t, func(w http.ResponseWriter, _ *http.Request, _ int) { reply(w, status, body) })
		var said *heroku.Error
		if _, err := srv.client(t).SetTrustedRanges(t.Context(), spaceID, office); !errors.As(err, &said) || said.Status != status {
			t.Error(err)
		}
		wantRequest(t, srv, "PUT "+rulesetPath)
	}
}

// Right after its allocation, a space may have no ruleset yet: then a 404 does not mean that the space is gone.
func TestSpaceWithoutRulesYet(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		after time.Duration // until then the PUT gets 404
		space int           // the status of a GET of the space
		ok    bool
		took  time.Duration
	}{
		"for half a minute": {30 * time.Second, 200, true, 38 * time.Second}, // PUTs at 0, 1, 3, 8, 14, 21, 29, 38 s
		"for ever":          {time.Hour, 200, false, 71 * time.Second},
		"gone":              {time.Hour, 404, false, 0},
		"out of sight":      {time.Hour, 403, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				begun := time.Now()
				f := memory(func(w http.ResponseWriter, r *http.Request, _ int) {
					switch {
					case r.Method == "PUT" && time.Since(begun) >= c.after:
						reply(w, 200, rulesetJSON(``, office...))
					case r.Method == "PUT" || c.space == 404:
						reply(w, 404, spaceNotFound)
					case c.space == 403:
						reply(w, 403, `{"id":"forbidden","message":"no"}`)
					default:
						reply(w, 200, spaceJSON(spaceID, "acme-prod", "acme", "allocated"))
					}
				})
				_, err := f.client(t, clocked(heroku.RealClock)).SetTrustedRanges(t.Context(), spaceID, office)
				if (err == nil) != c.ok || heroku.IsNotFound(err) != (c.space == 404) {
					t.Error(err)
				}
				if took := time.Since(begun); took.Round(time.Second) != c.took {
					t.Errorf("took %v, want %v", took, c.took)
				}
			})
		})
	}
}

func TestInterruptBeforeThereAreRulesSaysNothingAboutTheSpace(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	clock := blockingClock{newClock(), make(chan struct{}, 1)}
	srv := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) {
		if r.Method == "PUT" {
			reply(w, 404, spaceNotFound)
			return
		}
		reply(w, 200, spaceJSON(spaceID, "acme-prod", "acme", "allocated"))
	})
	c := srv.client(t, clocked(clock))
	go func() { <-clock.asleep; cancel() }()
	_, err := c.SetTrustedRanges(ctx, spaceID, office)
	if !errors.Is(err, context.Canceled) || heroku.IsNotFound(err) || srv.count("PUT") != 1 {
		t.Errorf("%v, %v", err, srv.requests())
	}
}

func TestWaitForRulesToBeApplied(t *testing.T) {
	t.Parallel()
	const applied, pending = `"applied":true,`, `"applied":false,`
	for name, c := range map[string]struct {
		before  string // "": not found
		after   time.Duration
		then    string
		outcome heroku.WaitOutcome // 0 for success
		last    string
		took    time.Duration
	}{
		"at once":                      {applied, 0, applied, 0, "", 0},
		"an older server does not say": {" ", 0, " ", 0, "", 0},
		"after a few moments":          {pending, 10 * time.Second, applied, 0, "", 13 * time.Second},
		"a space without rules yet":    {"", 30 * time.Second, applied, 0, "", 37 * time.Second},
		"never":                        {pending, time.Hour, applied, heroku.TimedOut, "not applied yet", 5 * time.Minute},
		"gone":                         {"", time.Hour, applied, heroku.Failed, "not found", 70 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				begun := time.Now()
				f := memory(func(w http.ResponseWriter, _ *http.Request, _ int) {
					if now := changing(c.before, c.after, c.then)("", time.Since(begun)); now != "" {
						reply(w, 200, rulesetJSON(now, office...))
						return
					}
					reply(w, 404, spaceNotFound)
				})
				set, err := f.client(t, clocked(heroku.RealClock)).WaitTrustedRangesApplied(t.Context(), spaceID, 5*time.Minute)
				var wait *heroku.WaitError
				switch {
				case c.outcome == 0:
					if err != nil || !slices.Equal(set.Rules, office) {
						t.Errorf("%v, %v", set, err)
					}
				case !errors.As(err, &wait) || wait.Outcome != c.outcome || wait.LastState != c.last:
					t.Error(err)
				}
				if took := time.Since(begun); took != c.took {
					t.Errorf("took %v, want %v", took, c.took)
				}
			})
		})
	}
}

func TestInterruptedWaitForRulesReturnsAtOnce(t *testing.T) {
	t.Parallel()
	for _, during := range []string{"a poll", "a pause"} {
		t.Run("during "+during, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := memory(func(w http.ResponseWriter, r *http.Request, _ int) {
					if during == "a poll" {
						<-r.Context().Done()
					}
					reply(w, 200, rulesetJSON(`"applied":false,`, office...))
				})
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				begun := time.Now()
				_, err := f.client(t, clocked(heroku.RealClock)).WaitTrustedRangesApplied(ctx, spaceID, time.Hour)
				var wait *heroku.WaitError
				if !errors.As(err, &wait) || wait.Outcome != heroku.Interrupted || time.Since(begun) != 10*time.Second {
					t.Errorf("%v after %v", err, time.Since(begun))
				}
			})
		})
	}
}
