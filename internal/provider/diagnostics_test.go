// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

func TestFailure(t *testing.T) {
	t.Parallel()
	answer := func(status int, id, message string) error {
		return &heroku.Error{Status: status, ID: id, Message: message, Method: "POST", Path: "/apps", RequestID: "1b9c"}
	}
	tests := map[string]struct {
		err  error
		want []string
	}{
		"an answer is quoted with its status, id and request id": {
			answer(422, "invalid_params", "Name web is already taken"),
			[]string{`App "web": `, "422 invalid_params", "POST /apps", `"Name web is already taken"`, "request id 1b9c"},
		},
		"a wrong token says where it came from": {
			answer(401, "unauthorized", "Invalid credentials provided."),
			[]string{"401 unauthorized", "the netrc file /home/me/.netrc", "`heroku authorizations:create`"},
		},
		"a 401 without an id is a wrong token too": {answer(401, "", ""), []string{"the netrc file /home/me/.netrc"}},
		"missing rights name the token": {answer(403, "forbidden", "No."),
			[]string{"no right", "the netrc file /home/me/.netrc"}},
		"a second factor asks for another token":    {answer(403, "two_factor", "Code?"), []string{"`heroku authorizations:create`"}},
		"a suspended account is for Heroku to lift": {answer(403, "suspended", "No."), []string{"Heroku Support"}},
		"an open invoice is to be settled":          {answer(402, "delinquent", "Pay."), []string{"billing"}},
		"an unverified account is to be verified":   {answer(422, "verification_required", "Card?"), []string{"https://heroku.com/verify"}},
		"the older id of verification is known":     {answer(402, "verification_needed", "Card?"), []string{"https://heroku.com/verify"}},
		"a used-up limit asks for patience":         {answer(429, "rate_limit", "Slow."), []string{"Wait some minutes"}},
		"a conflict asks to apply again":            {answer(409, "conflict", "Busy."), []string{"apply again"}},
		"a confirmation is not given unasked":       {answer(423, "confirmation_required", "Sure?"), []string{"explicit confirmation"}},
		"trouble at Heroku points to its status page": {
			answer(503, "", ""), []string{"https://status.heroku.com", "what was ordered may have been created: plan again"}},
		"trouble while reading changes nothing": {
			&heroku.Error{Status: 503, Method: "GET", Path: "/apps/web"},
			[]string{"https://status.heroku.com", "This request only reads: run again later."}},
		"an order whose look-up failed too is in doubt": {
			fmt.Errorf("add-on web may have been created (%w), and looking it up failed: %w", answer(502, "", ""),
				&heroku.Error{Status: 503, Method: "GET"}),
			[]string{"may have been created (", "what was ordered may have been created: plan again"}},
		"HTML after an order is in doubt": {
			&heroku.BodyError{Method: "POST", Path: "/apps", Status: 502, ContentType: "text/html", Reason: "an HTML page"},
			[]string{"does not look like the Heroku API", "what was ordered may have been created: plan again"}},
		"what is not found says what to check": {
			answer(404, "not_found", "Couldn't find that app."),
			[]string{"the token may not see it", "Check the spelling, whether a name or a UUID is wanted, and whether " +
				"a UUID is that of another kind of object: `heroku apps --all` lists the apps",
				"The token came from the netrc file /home/me/.netrc; `heroku auth:whoami`", "If it was there when " +
					"this was planned, plan again."}},
		"a region that is not found is one of a list": {
			&heroku.Error{Status: 404, ID: "not_found", Resource: "region", Method: "POST", Path: "/teams/apps"},
			[]string{"`heroku regions` lists the regions"}},
		"a team that is not found is one of the account's": {
			&heroku.Error{Status: 404, ID: "not_found", Resource: "team", Method: "POST", Path: "/teams/apps"},
			[]string{"`heroku teams` lists the teams"}},
		"a space that is not found": {&heroku.Error{Status: 404, ID: "not_found", Method: "GET", Path: "/spaces/prod"},
			[]string{"`heroku spaces` lists"}},
		"a store that is not found": {
			&heroku.Error{Status: 404, ID: "not_found", Method: "GET", Path: "/redis/v0/databases/x"},
			[]string{"`heroku addons --all` lists"}},
		"an attachment that is not found": {
			&heroku.Error{Status: 404, ID: "not_found", Resource: "add_on attachment", Method: "GET",
				Path: "/apps/web/addon-attachments/X"},
			[]string{"`heroku addons --app NAME` lists the attachments of an app"}},
		"a wait for what was destroyed says so, and not that work goes on": {
			&heroku.WaitError{Outcome: heroku.TimedOut, What: "add-on web to be provisioned",
				LastState: "not found yet", Elapsed: time.Minute},
			[]string{"Heroku did not find it at the last check: it may have been destroyed meanwhile", "Apply again to " +
				"see which, or raise the timeouts."}},
		"a plan that is not found": {
			&heroku.Error{Status: 404, ID: "not_found", Resource: "plan", Method: "GET", Path: "/plans/x"},
			[]string{"`heroku addons:plans heroku-redis`"}},
		"an answer inside another error keeps what is around": {fmt.Errorf("renaming: %w",
			answer(404, "not_found", "Couldn't find that app.")), []string{"renaming: ", "404 not_found"}},
		"a lost answer says that it may have been carried out": {
			&heroku.TransportError{Method: "POST", Path: "/apps", Sent: true, Err: errors.New("connection reset")},
			[]string{"connection reset", "may have carried it out"},
		},
		"a lost answer to a read changes nothing": {
			&heroku.TransportError{Method: "GET", Path: "/apps", Sent: true, Err: errors.New("connection reset")},
			[]string{"This was a read, so nothing has changed"},
		},
		"an interrupted read says that the run was interrupted": {
			&heroku.TransportError{Method: "GET", Path: "/apps", Sent: true, Err: context.Canceled}, []string{"The run was interrupted"},
		},
		"an interrupted write may have been carried out": {
			&heroku.TransportError{Method: "PUT", Path: "/apps", Sent: true, Err: context.Canceled}, []string{"may have carried it out"},
		},
		"an unreachable API says that nothing was sent": {
			&heroku.TransportError{Method: "GET", Path: "/apps", Err: errors.New("connection refused")},
			[]string{"connection refused", "nothing has changed", "api_url"},
		},
		"HTML instead of JSON doubts the address": {
			&heroku.BodyError{Method: "GET", Path: "/apps", Status: 200, ContentType: "text/html", RequestID: "1b9c", Reason: "not JSON"},
			[]string{"GET /apps", "200", "text/html", "1b9c", "does not look like the Heroku API", "api_url"},
		},
		"a wait that ran out says how to go on": {
			&heroku.WaitError{Outcome: heroku.TimedOut, What: "add-on web", LastState: "provisioning", Elapsed: time.Minute},
			[]string{"provisioning", "1m0s", "Apply again", "timeouts"},
		},
		"an interrupted wait goes on at the next apply": {
			&heroku.WaitError{Outcome: heroku.Interrupted, What: "add-on web", Err: context.Canceled},
			[]string{"the next apply continues"},
		},
		"a wait that lost contact goes on at the next apply": {
			&heroku.WaitError{Outcome: heroku.Unreachable, What: "add-on web", Err: answer(503, "", "")},
			[]string{"waiting for add-on web", "could not be reached"},
		},
		"a wait that failed keeps Heroku's words": {
			&heroku.WaitError{Outcome: heroku.Failed, What: "add-on web", LastState: "deprovisioned"},
			[]string{"deprovisioned", "reported that it failed"},
		},
		"a wait that a bug has ended goes on at the next apply": {
			&heroku.WaitError{Outcome: heroku.Unreachable, What: "add-on web",
				Err: &heroku.BugError{Cause: "index out of range", At: "heroku.provisioning (line 7)"}},
			[]string{"waiting for add-on web", "index out of range in heroku.provisioning (line 7)", "please report it",
				"The work goes on at Heroku. Apply again to go on waiting."},
		},
		"an interruption says so":   {fmt.Errorf("queued: %w", context.Canceled), []string{"interrupted"}},
		"anything else is repeated": {errors.New("no idea"), []string{`App "web": no idea.`}},
	}
	conn := connection{tokenSource: "the netrc file /home/me/.netrc"}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := conn.failure("Unable to create app", `App "web"`, test.err)
			if got.Severity() != diag.SeverityError || got.Summary() != "Unable to create app" {
				t.Errorf("severity %s, summary %q", got.Severity(), got.Summary())
			}
			for _, want := range test.want {
				if !strings.Contains(got.Detail(), want) {
					t.Errorf("the detail lacks %q:\n%s", want, got.Detail())
				}
			}
		})
	}
}

// What an action has begun is gone on with by invoking it again: nothing of it is in a state.
func TestFailure_ofAnAction(t *testing.T) {
	t.Parallel()
	waiting := func(outcome heroku.WaitOutcome, err error) error {
		return &heroku.WaitError{Outcome: outcome, What: "the maintenance", LastState: "preparing", Elapsed: time.Minute, Err: err}
	}
	answer := func(status int, id string) error {
		return &heroku.Error{Status: status, ID: id, Method: "POST", Path: "/x"}
	}
	for name, test := range map[string]struct {
		err  error
		says string
	}{
		"a wait that ran out": {waiting(heroku.TimedOut, nil), "Invoke the action again to go on waiting, or raise the timeouts."},
		"a wait that was interrupted": {waiting(heroku.Interrupted, context.Canceled), "The work goes on at Heroku; " +
			"invoke the action again, which goes on from what it finds there."},
		"a wait that lost contact": {waiting(heroku.Unreachable, answer(503, "")), "Invoke the action again once " +
			"the API can be reached."},
		"a wait that a bug has ended": {waiting(heroku.Unreachable, &heroku.BugError{}), "Invoke the action again to go on waiting."},
		"a wait for what failed":      {waiting(heroku.Failed, nil), "invoke the action again to make a new attempt"},
		"an interruption":             {fmt.Errorf("queued: %w", context.Canceled), "invoke the action again"},
		"a lost answer": {&heroku.TransportError{Method: "POST", Path: "/x", Sent: true,
			Err: errors.New("reset")}, "invoke the action again, which goes on"},
		"another operation under way": {answer(409, "conflict"), "invoke the action again when it has ended"},
		"an open invoice":             {answer(402, "delinquent"), "then invoke the action again"},
		"an account without a card":   {answer(402, "verification_needed"), "then invoke the action again"},
		"a token that is wrong":       {answer(401, "unauthorized"), "`heroku authorizations:create`"},
		"what nobody can say more of": {errors.New("no idea"), "Store cache: no idea."},
		"a request that was not sent": {&heroku.TransportError{Method: "POST", Path: "/x",
			Err: errors.New("refused")}, "Nothing was sent"},
		"trouble at Heroku": {answer(503, ""), "https://status.heroku.com"},
		"an answer that makes no sense": {&heroku.BodyError{Method: "GET", Path: "/x", Status: 200, Reason: "not JSON"},
			"does not look like the Heroku API"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := &invocation{connection: connection{tokenSource: "the test"}, retry: invokeAgain}
			got := i.failure("Unable to run the maintenance of Key-Value Store", "Store cache", test.err)
			if !strings.Contains(got.Detail(), test.says) || strings.Contains(strings.ToLower(got.Detail()), "apply") {
				t.Errorf("it does not say %q, or speaks of an apply:\n%s", test.says, got.Detail())
			}
		})
	}
}

func TestCollectionOf(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/apps/planning-team": "apps", "/apps/web/addons": "apps", "/apps/web/addon-attachments/CACHE": "addon-attachments",
		"/addons/x": "addons", "/redis/v0/databases/x": "addons", "/data/maintenances/v1/x": "addons", "/spaces/prod/nat": "spaces",
		"/regions/eu": "regions", "/regions": "regions", "/": "", "": "",
	} {
		if got := collectionOf(path); got != want {
			t.Errorf("%q: %q, want %q", path, got, want)
		}
	}
}

// Nothing says that nothing is lost of what may have been ordered.
func TestFailure_ofAnOrderIsNotCalledHarmless(t *testing.T) {
	t.Parallel()
	conn := connection{tokenSource: "the test"}
	for _, again := range []retryAdvice{applyAgain, invokeAgain} {
		for _, method := range []string{"POST", "PUT", "PATCH", "DELETE"} {
			for _, status := range []int{500, 502, 503, 504} {
				said := conn.failureOf(again, "x", "App", &heroku.Error{Status: status, Method: method, Path: "/apps"}).Detail()
				if !strings.Contains(said, "It may have been carried out all the same") || strings.Contains(said, "only reads") {
					t.Errorf("%d to %s: %s", status, method, said)
				}
			}
		}
	}
}

func TestRecoverPanic(t *testing.T) {
	t.Parallel()
	const secret = "rediss://:hunter2@example.com"
	var names []string
	tests := map[string]struct {
		cause        func()
		checkpointed func() bool
		want         diag.Severity
		text         string
	}{
		"a panic is an error": {
			func() { _ = names[len(names)] }, nil, diag.SeverityError, "index out of range"},
		"a panic before the checkpoint is an error": {
			func() { panic(secret) }, func() bool { return false }, diag.SeverityError, "a panic of type string"},
		"a panic after the checkpoint is a warning, so that nothing is tainted": {
			func() { panic(errors.New(secret)) }, func() bool { return true }, diag.SeverityWarning, "What had been " +
				"created is in the state"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var diags diag.Diagnostics
			func() {
				defer recoverPanic(&diags, "Creating an app", test.checkpointed)
				test.cause()
			}()
			if len(diags) != 1 || diags[0].Severity() != test.want {
				t.Fatalf("diagnostics = %v, want one %s", diags, test.want)
			}
			detail := diags[0].Detail()
			for _, want := range []string{"Creating an app: ", test.text, "provider.TestRecoverPanic"} {
				if !strings.Contains(detail, want) {
					t.Errorf("the detail lacks %q:\n%s", want, detail)
				}
			}
			if strings.Contains(detail, "hunter2") {
				t.Errorf("the detail repeats a secret:\n%s", detail)
			}
		})
	}
	t.Run("without a panic nothing is said", func(t *testing.T) {
		t.Parallel()
		var diags diag.Diagnostics
		func() { defer recoverPanic(&diags, "Creating an app", nil) }()
		if len(diags) != 0 {
			t.Errorf("diagnostics = %v", diags)
		}
	})
}

func TestIsUUID(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		s    string
		want bool
	}{
		"an id":                         {"7c4e2a90-3b5d-4f8e-a1c6-d2e3f4a5b6c7", true},
		"an id in upper case":           {"7C4E2A90-3B5D-4F8E-A1C6-D2E3F4A5B6C7", false},
		"an id in braces":               {"{7c4e2a90-3b5d-4f8e-a1c6-d2e3f4a5b6c7}", false},
		"an id without its hyphens":     {"7c4e2a903b5d4f8ea1c6d2e3f4a5b6c7", false},
		"an id with a line break after": {"7c4e2a90-3b5d-4f8e-a1c6-d2e3f4a5b6c7\n", false},
		"a name":                        {"orders-api", false},
		"nothing":                       {"", false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := keyvalue.IsUUID(test.s); got != test.want {
				t.Errorf("keyvalue.IsUUID(%q) = %v", test.s, got)
			}
			if err := validateUUID(test.s); (err == nil) != test.want {
				t.Errorf("validateUUID(%q) = %v", test.s, err)
			}
		})
	}
}
