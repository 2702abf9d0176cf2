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

// failure turns an error into a diagnostic: the object, what Heroku answered, what to do next. It is the only place that does
// so. The summary is a static sentence, and object names the object, such as `App "web"`.
func (c *connection) failure(summary, object string, err error) diag.Diagnostic {
	return c.failureOf(applyAgain, summary, object, err)
}

// retryAdvice tells the reader how to continue after an error, as the end of a sentence.
type retryAdvice string

const (
	applyAgain  retryAdvice = "apply again"
	invokeAgain retryAdvice = "invoke the action again"
	runAgain    retryAdvice = "run again"
)

// timeoutAttributes names the attributes that limit how long the provider waits.
func (r retryAdvice) timeoutAttributes() string {
	if r == runAgain {
		return "timeouts.open"
	}
	return "the timeouts"
}

// capitalized is the advice at the beginning of a sentence.
func (r retryAdvice) capitalized() string { return strings.ToUpper(string(r[:1])) + string(r[1:]) }

func (r retryAdvice) afterLoss() string {
	if r == invokeAgain {
		return string(invokeAgain) + ", which goes on from what it finds there"
	}
	return "plan again to see what is there before anything is repeated"
}

// afterUnknownOutcome is what to do when Heroku may have made a change without confirming it.
func (r retryAdvice) afterUnknownOutcome() string {
	return "It may have been carried out all the same, and what was ordered may have been created: " + r.afterLoss() + "."
}

func (r retryAdvice) afterInterrupt() string {
	switch r {
	case invokeAgain:
		return string(invokeAgain) + ", which goes on from what it finds there"
	case runAgain:
		return string(runAgain)
	}
	return "the next apply continues from what is in the state"
}

// failureOf is failure with other advice than to apply again.
func (c *connection) failureOf(again retryAdvice, summary, object string, err error) diag.Diagnostic {
	detail := object + ": " + whatHappened(err)
	if next := c.nextStep(again, err); next != "" {
		detail += "\n\n" + next
	}
	return diag.NewErrorDiagnostic(summary, detail)
}

// whatHappened describes the error. It quotes the message of an answer by Heroku.
func whatHappened(err error) string {
	answer, ok := err.(*heroku.Error) //nolint:errorlint // a wrapping error says more than the answer alone
	if ok {
		text := fmt.Sprintf("Heroku answered %d %s to %s %s", answer.Status, answer.ID, answer.Method, answer.Path)
		if answer.Message != "" {
			text += fmt.Sprintf(": %q", answer.Message)
		}
		if answer.RequestID != "" {
			text += fmt.Sprintf(" (request id %s)", answer.RequestID)
		}
		return text + "."
	}
	return err.Error() + "."
}

// nextStep is what the reader can do about an error. It depends only on types and ids, never on Heroku's messages.
func (c *connection) nextStep(again retryAdvice, err error) string {
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
		text := "This does not look like the Heroku API. Check api_url and data_api_url (or HEROKU_API_URL and HEROKU_DATA_API_URL) " +
			"and whether a proxy answers in its place. If Heroku itself is in trouble, https://status.heroku.com says so."
		if carriedOut := body.Status < http.StatusMultipleChoices ||
			body.Status >= http.StatusInternalServerError; carriedOut && body.Method != http.MethodGet {
			text += " " + again.afterUnknownOutcome()
		}
		return text
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

func afterWaiting(again retryAdvice, wait *heroku.WaitError) string {
	var bug *heroku.BugError
	switch {
	case errors.As(wait, &bug):
		return fmt.Sprintf("The work goes on at Heroku. %s to go on waiting.", again.capitalized())
	case wait.Outcome == heroku.TimedOut && strings.HasPrefix(wait.LastState, "not found"):
		return fmt.Sprintf("Heroku did not find it at the last check: it may have been "+
			"destroyed meanwhile, or Heroku may not know it yet. %s to see which, or raise %s.", again.capitalized(), again.timeoutAttributes())
	case wait.Outcome == heroku.TimedOut:
		return fmt.Sprintf("The work goes on at Heroku. %s to go on waiting, or raise %s.", again.capitalized(), again.timeoutAttributes())
	case wait.Outcome == heroku.Unreachable:
		return fmt.Sprintf("The work goes on at Heroku, which could not be reached. %s once the API can be reached.", again.capitalized())
	case wait.Outcome == heroku.Interrupted:
		return "The work goes on at Heroku; " + again.afterInterrupt() + "."
	case wait.Outcome == heroku.Gone && again == applyAgain:
		return "It has been destroyed meanwhile, and nothing goes on. Plan again to see what is left to do."
	case wait.Outcome == heroku.Gone:
		return "It has been destroyed meanwhile, and nothing goes on."
	case wait.Outcome == heroku.Failed:
		return fmt.Sprintf("Heroku reported that it failed; %s to make a new attempt.", again)
	}
	return ""
}

func (c *connection) afterAnswer(again retryAdvice, answer *heroku.Error) string {
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
		return "Heroku requires an explicit confirmation for this, and the configuration does not contain it. If this is about an " +
			"attachment, its name now leads to another store: choose another name, or detach that store first. If two stores exchange the " +
			"names of their attachments, give one of them a third name first."
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
	case answer.Status == http.StatusUnprocessableEntity && answer.Method == http.MethodPatch && strings.Contains(answer.Message, "already taken"):
		return fmt.Sprintf("Another object has this name. If two objects exchange their names, give one of them a third name first; then %s "+
			"with the names exchanged.", again)
	case answer.Status >= http.StatusInternalServerError && answer.Method == http.MethodGet:
		return "Heroku is in trouble; https://status.heroku.com may say more. This request only reads: run again later."
	case answer.Status >= http.StatusInternalServerError:
		return "Heroku is in trouble; https://status.heroku.com may say more. " + again.afterUnknownOutcome()
	}
	return ""
}

// listCommands are Heroku CLI commands that list objects of a kind. word is part of Heroku's name of the missing object, or of
// the collection in the requested path.
var listCommands = []struct{ word, list string }{
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

// collectionOf is the last collection in a path that is followed by the name of an element: addon-attachments in
// /apps/web/addon-attachments/CACHE, and apps in /apps/web/addons. All objects of the Data API belong to add-ons.
func collectionOf(path string) string {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	if parts[0] == "redis" || parts[0] == "data" {
		return "addons"
	}
	return parts[max(len(parts)/2*2-2, 0)]
}

// afterNotFound is what to check. Heroku's answer does not distinguish a missing object from one that the token may not see.
func (c *connection) afterNotFound(answer *heroku.Error) string {
	text := "It does not exist, or the token may not see it. Check the spelling, whether a name or a UUID is wanted, " +
		"and whether a UUID is that of another kind of object"
	missing := cmp.Or(answer.Resource, collectionOf(answer.Path))
	for _, command := range listCommands {
		if strings.Contains(missing, command.word) {
			text += ": " + command.list
			break
		}
	}
	text += fmt.Sprintf(". The token came from %s; `heroku auth:whoami` says whose it is, if it is put into HEROKU_API_KEY.",
		cmp.Or(c.tokenSource, "an unknown place"))
	if answer.Method != http.MethodGet {
		text += " If it was there when this was planned, plan again."
	}
	return text
}

// recoverPanic is deferred by every method that sends requests, because a panic would lose the response and with it a paid
// store. If checkpointed reports that Create has saved a complete state, the panic becomes a warning: an error would taint the
// object, and the next apply would destroy it.
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

// panicText is the text of a runtime error. Any other value might contain a secret, so only its type is named.
func panicText(cause any) string {
	if err, ok := cause.(runtime.Error); ok {
		return err.Error()
	}
	return fmt.Sprintf("a panic of type %T", cause)
}

// callers lists the frames of this module that led to a panic, innermost first.
func callers() []string {
	const maxFrames = 6
	pcs := make([]uintptr, 64)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(0, pcs)])
	var lines []string
	for panicked := false; len(lines) < maxFrames; {
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

// longestReference is more than the length of two names and a separator.
const longestReference = 200

// importReference is the id of an import command or block, or else the identity attribute, which CLIs without stored identities
// do not send. An overlong reference is cut, so that it is refused, not sent, and not repeated in full.
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

// pairReference is importReference for an identity of two attributes. In an id they are separated by a colon.
func pairReference(ctx context.Context, req resource.ImportStateRequest, first, second string, diags *diag.Diagnostics) string {
	reference := importReference(ctx, req, path.Root(first), diags)
	if req.ID != "" || reference == "" {
		return reference
	}
	return reference + ":" + importReference(ctx, req, path.Root(second), diags)
}

// invalidImport describes valid import identifiers: their grammar in words, and an example.
func invalidImport(id, grammar, example string) diag.Diagnostic {
	text := fmt.Sprintf("%q is not an identifier of this resource: give %s, for example %s.", id, grammar, example)
	if app, variable, qualified := strings.Cut(id, "::"); qualified {
		if name := keyvalue.AttachmentOfConfigVar(strings.ToUpper(variable)); name != "" {
			text += fmt.Sprintf(" %s is the config var of an attachment, which has the name %s: %s::%s.",
				strings.ToUpper(variable), name, app, name)
		}
	}
	return diag.NewErrorDiagnostic("Invalid import identifier", text)
}

// validateUUID refuses names where an id is required, because a name may belong to another object later.
func validateUUID(s string) error {
	if keyvalue.IsUUID(s) {
		return nil
	}
	return fmt.Errorf("%q is not an id: give a UUID in lower case, for example 7c4e2a90-3b5d-4f8e-a1c6-d2e3f4a5b6c7", s)
}
