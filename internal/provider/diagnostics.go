// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// failure turns an error into a diagnostic: which object, what Heroku said, what to do next.
// It is the only place that does so. The summary is a static sentence; object names the thing, as in `App "web"`.
func (c *connection) failure(summary, object string, err error) diag.Diagnostic {
	return c.failureOf(applying, summary, object, err)
}

// repetition is how the reader has the work gone on with, as the end of a sentence.
type repetition string

const (
	applying repetition = "apply again"
	invoking repetition = "invoke the action again"
	reading  repetition = "run again"
)

// limits are the attributes that say how long is waited.
func (r repetition) limits() string {
	if r == reading {
		return "timeouts.open"
	}
	return "the timeouts"
}

// begins is the repetition at the beginning of a sentence.
func (r repetition) begins() string { return strings.ToUpper(string(r[:1])) + string(r[1:]) }

func (r repetition) afterLoss() string {
	if r == invoking {
		return string(invoking) + ", which goes on from what it finds there"
	}
	return "plan again to see what is there before anything is repeated"
}

// afterDoubt is what to do when a change may have been made although Heroku did not say so.
func (r repetition) afterDoubt() string {
	return "It may have been carried out all the same, and what was ordered may have been created: " + r.afterLoss() + "."
}

func (r repetition) afterInterrupt() string {
	switch r {
	case invoking:
		return string(invoking) + ", which goes on from what it finds there"
	case reading:
		return string(reading)
	}
	return "the next apply continues from what is in the state"
}

// failureOf is failure for work that is gone on with in its own way.
func (c *connection) failureOf(again repetition, summary, object string, err error) diag.Diagnostic {
	detail := object + ": " + whatHappened(err)
	if next := c.nextStep(again, err); next != "" {
		detail += "\n\n" + next
	}
	return diag.NewErrorDiagnostic(summary, detail)
}

// whatHappened repeats what the client says; an answer of Heroku's is quoted with its lines as they are.
func whatHappened(err error) string {
	answer, ok := err.(*heroku.Error) //nolint:errorlint // what wraps an answer has more to say than the answer alone
	if ok {
		said := fmt.Sprintf("Heroku answered %d %s to %s %s", answer.Status, answer.ID, answer.Method, answer.Path)
		if answer.Message != "" {
			said += fmt.Sprintf(": %q", answer.Message)
		}
		if answer.RequestID != "" {
			said += fmt.Sprintf(" (request id %s)", answer.RequestID)
		}
		return said + "."
	}
	return err.Error() + "."
}

// nextStep says what the reader can do about an error; it depends on types and ids only, never on Heroku's texts.
func (c *connection) nextStep(again repetition, err error) string {
	var (
		answer    *heroku.Error
		transport *heroku.TransportError
		body      *heroku.BodyError
		wait      *heroku.WaitError
	)
	switch {
	case errors.As(err, &wait):
		return afterWaiting(again, wait)
	case errors.As(err, &answer):
		return c.afterAnswer(again, answer)
	case errors.As(err, &body):
		said := "This does not look like the Heroku API. Check api_url and data_api_url (or HEROKU_API_URL and HEROKU_DATA_API_URL) " +
			"and whether a proxy answers in its place. If Heroku itself is in trouble, https://status.heroku.com says so."
		if carriedOut := body.Status < http.StatusMultipleChoices ||
			body.Status >= http.StatusInternalServerError; carriedOut && body.Method != http.MethodGet {
			said += " " + again.afterDoubt()
		}
		return said
	case errors.As(err, &transport) && transport.Sent && transport.Method != http.MethodGet:
		return "The request was sent and its answer was lost, so Heroku may have carried it out: " + again.afterLoss() + "."
	case errors.As(err, &transport) && !errors.Is(err, context.Canceled):
		if transport.Sent {
			return "This was a read, so nothing has changed. Check the network and the proxy; " +
				"if Heroku itself is in trouble, https://status.heroku.com says so."
		}
		return "Nothing was sent, so nothing has changed. " +
			"Check the network, the proxy, and api_url and data_api_url (or HEROKU_API_URL and HEROKU_DATA_API_URL)."
	case errors.Is(err, context.Canceled):
		return "The run was interrupted; " + again.afterInterrupt() + "."
	}
	return ""
}

func afterWaiting(again repetition, wait *heroku.WaitError) string {
	var bug *heroku.BugError
	switch {
	case errors.As(wait, &bug):
		return fmt.Sprintf("The work goes on at Heroku. %s to go on waiting.", again.begins())
	case wait.Outcome == heroku.TimedOut && strings.HasPrefix(wait.LastState, "not found"):
		return fmt.Sprintf("Heroku did not know it at the last look: it may have been destroyed meanwhile, or not be known there yet. "+
			"%s to see which, or raise %s.", again.begins(), again.limits())
	case wait.Outcome == heroku.TimedOut:
		return fmt.Sprintf("The work goes on at Heroku. %s to go on waiting, or raise %s.", again.begins(), again.limits())
	case wait.Outcome == heroku.Unreachable:
		return fmt.Sprintf("The work goes on at Heroku, which could not be asked. %s once the API can be reached.", again.begins())
	case wait.Outcome == heroku.Interrupted:
		return "The work goes on at Heroku; " + again.afterInterrupt() + "."
	case wait.Outcome == heroku.Gone && again == applying:
		return "It has been destroyed meanwhile, and nothing goes on. Plan again to see what is left to do."
	case wait.Outcome == heroku.Gone:
		return "It has been destroyed meanwhile, and nothing goes on."
	case wait.Outcome == heroku.Failed:
		return fmt.Sprintf("Heroku reported that it failed; %s to make a new attempt.", again)
	}
	return ""
}

func (c *connection) afterAnswer(again repetition, answer *heroku.Error) string {
	switch answer.ID {
	case "unauthorized":
		return fmt.Sprintf("The token came from %s and is wrong, revoked or expired. "+
			"Make a new one with `heroku authorizations:create` and put it there.", cmp.Or(c.tokenSource, "an unknown place"))
	case "two_factor":
		return "This token needs a second factor, which Terraform cannot enter. Use one made with `heroku authorizations:create`."
	case "forbidden":
		return fmt.Sprintf("The user of the token (it came from %s) has no right to do this: ask the owner of the app "+
			"or an admin of the team for it.",
			cmp.Or(c.tokenSource, "an unknown place"))
	case "suspended":
		return "The account is suspended: contact Heroku Support."
	case "delinquent":
		return fmt.Sprintf("The account or the team has an open invoice: settle it at "+
			"https://dashboard.heroku.com/account/billing, then %s.", again)
	case "verification_needed", "verification_required":
		return fmt.Sprintf("Heroku wants a payment method first: add one at https://heroku.com/verify, then %s.", again)
	case "rate_limit":
		return "The account's hourly request limit is used up, by all its tools together. Wait some minutes, then run " +
			"again, with a lower -parallelism if need be."
	case "confirmation_required":
		return "Heroku wants an explicit confirmation for this, and the configuration does not ask for what it would confirm. " +
			"If it is about an attachment, its name has come to lead to another store: choose another name for it, or " +
			"detach that one first."
	case "not_found":
		return c.afterNotFound(answer)
	case "cannot_update_above_limit":
		return "Heroku has default limits for dynos: in a space 10 of a process type and 100 in all. Heroku Support raises them on request."
	case "conflict":
		return fmt.Sprintf("Another operation on the same object is running at Heroku: %s when it has ended.", again)
	}
	switch {
	case answer.Status == http.StatusUnauthorized:
		return c.afterAnswer(again, &heroku.Error{ID: "unauthorized"})
	case answer.Status >= http.StatusInternalServerError && answer.Method == http.MethodGet:
		return "Heroku is in trouble; https://status.heroku.com may say more. This request only reads: run again later."
	case answer.Status >= http.StatusInternalServerError:
		return "Heroku is in trouble; https://status.heroku.com may say more. " + again.afterDoubt()
	}
	return ""
}

// lists are the commands of the Heroku CLI that list what can be found, by a word in what Heroku calls the missing thing
// or else in the collection that was asked for it.
var lists = []struct{ word, list string }{
	{"region", "`heroku regions` lists the regions, as the data source kvs_regions does"},
	{"team", "`heroku teams` lists the teams of an account"},
	{"organization", "`heroku teams` lists the teams of an account"},
	{"attachment", "`heroku addons --app NAME` lists the attachments of an app"},
	{"plan", "`heroku addons:plans heroku-redis` lists the plans, as the data source kvs_plans does"},
	{"member", "`heroku members --team NAME` lists the members of a team"},
	{"formation", "`heroku ps --app NAME` lists the process types of an app"},
	{"space", "`heroku spaces` lists the spaces of an account"},
	{"add", "`heroku addons --all` lists the add-ons of an account"},
	{"app", "`heroku apps --all` lists the apps of an account"},
}

// collectionOf is the last collection in a path of which an element is named: addon-attachments in
// /apps/web/addon-attachments/CACHE, and apps in /apps/web/addons. The Data API knows things of add-ons only.
func collectionOf(path string) string {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	if parts[0] == "redis" || parts[0] == "data" {
		return "addons"
	}
	return parts[max(len(parts)/2*2-2, 0)]
}

// afterNotFound says what to check: Heroku does not tell what is not there from what a token may not see.
func (c *connection) afterNotFound(answer *heroku.Error) string {
	said := "It does not exist, or the token may not see it. Check the spelling, whether a name or a UUID is wanted, " +
		"and whether a UUID is that of another kind of object"
	missing := cmp.Or(answer.Resource, collectionOf(answer.Path))
	for _, of := range lists {
		if strings.Contains(missing, of.word) {
			said += ": " + of.list
			break
		}
	}
	said += fmt.Sprintf(". The token came from %s; `heroku auth:whoami` says whose it is, if it is put into HEROKU_API_KEY.",
		cmp.Or(c.tokenSource, "an unknown place"))
	if answer.Method != http.MethodGet {
		said += " If it was there when this was planned, plan again."
	}
	return said
}

// recoverPanic is deferred by every method that touches Heroku: a panic would lose the response, and with it a paid store.
// When checkpointed reports that Create had saved a complete state it becomes a warning, because an error taints the object
// and the next apply would destroy it.
func recoverPanic(diags *diag.Diagnostics, what string, checkpointed func() bool) {
	cause := recover()
	if cause == nil {
		return
	}
	detail := fmt.Sprintf("%s: the provider failed with %s.\n\nThis is a bug: please report it with these lines.\n%s",
		what, panicText(cause), strings.Join(callers(), "\n"))
	if checkpointed != nil && checkpointed() {
		diags.AddWarning("The provider failed unexpectedly", detail+"\n\nWhat had been created is in the state; plan "+
			"again to see what is missing.")
		return
	}
	diags.AddError("The provider failed unexpectedly", detail)
}

// panicText repeats the runtime's own texts only; any other value might hold a secret.
func panicText(cause any) string {
	if err, ok := cause.(runtime.Error); ok {
		return err.Error()
	}
	return fmt.Sprintf("a panic of type %T", cause)
}

// callers lists the frames of this module that led to a panic, innermost first.
func callers() []string {
	const most = 6
	pcs := make([]uintptr, 64)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(0, pcs)])
	var lines []string
	for panicked := false; len(lines) < most; {
		frame, more := frames.Next()
		_, name, ours := strings.Cut(frame.Function, "terraform-provider-kvs/internal/")
		if panicked && ours {
			lines = append(lines, fmt.Sprintf("%s (line %d)", name, frame.Line))
		}
		panicked = panicked || strings.HasPrefix(frame.Function, "runtime.gopanic")
		if !more {
			break
		}
	}
	return lines
}

// longestReference is more than two names with a separator take.
const longestReference = 200

// importReference is what a person imports by: the id of the import command or block, else the identity's attribute,
// which CLIs without stored identities do not send. One that is too long to be any is cut, so that it is refused, and
// neither sent nor repeated in full.
func importReference(ctx context.Context, req resource.ImportStateRequest, attribute path.Path, diags *diag.Diagnostics) string {
	reference := req.ID
	if reference == "" && req.Identity != nil {
		var identified types.String // null when nothing was given at all
		diags.Append(req.Identity.GetAttribute(ctx, attribute, &identified)...)
		reference = identified.ValueString()
	}
	if len(reference) > longestReference {
		return reference[:longestReference] + " …"
	}
	return reference
}

// pairReference is importReference for what has an identity of two attributes, which an id has with a colon between them.
func pairReference(ctx context.Context, req resource.ImportStateRequest, first, second string, diags *diag.Diagnostics) string {
	reference := importReference(ctx, req, path.Root(first), diags)
	if req.ID != "" || reference == "" {
		return reference
	}
	return reference + ":" + importReference(ctx, req, path.Root(second), diags)
}

// invalidImport says what an import identifier looks like: its grammar in words, and an example.
func invalidImport(id, grammar, example string) diag.Diagnostic {
	said := fmt.Sprintf("%q is not an identifier of this resource: give %s, for example %s.", id, grammar, example)
	if app, variable, qualified := strings.Cut(id, "::"); qualified {
		if name := keyvalue.AttachmentOfConfigVar(strings.ToUpper(variable)); name != "" {
			said += fmt.Sprintf(" %s is the config var of an attachment, which has the name %s: %s::%s.",
				strings.ToUpper(variable), name, app, name)
		}
	}
	return diag.NewErrorDiagnostic("Invalid import identifier", said)
}

// validateUUID refuses names where an id is wanted: a name may be given to another object later.
func validateUUID(s string) error {
	if keyvalue.IsUUID(s) {
		return nil
	}
	return fmt.Errorf("%q is not an id: give a UUID in lower case, for example 7c4e2a90-3b5d-4f8e-a1c6-d2e3f4a5b6c7", s)
}
