// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package faultmatrix

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// The invariants. TestAccExperiment_reports breaks each of them and checks that this is reported.

// checkTrial checks the invariants of every run.
func (l *Harness) checkTrial(t *Trial) {
	l.checkOutput(t)
	l.checkDestruction(t)
	l.checkTaint(t)
	if budget := max(l.Budget, requestBudget); len(t.Requests) > budget {
		l.violate("requests within the budget", "%s took %d requests, want at most %d", t.Args[0], len(t.Requests), budget)
	}
	if t.signals > 0 {
		l.checkInterrupt(t)
	}
}

// checkAction checks the run with the faults.
func (l *Harness) checkAction(t *Trial) {
	if t.Code != l.Exit && l.Exit != AnyExit && !t.killed {
		l.violate("exit code", "%s exits %d, want %d:\n%s", t.Args[0], t.Code, l.Exit, t.errors())
	}
	if l.Says != "" && !slices.ContainsFunc(t.Diagnostics, func(d Diagnostic) bool {
		return acctest.Says(l.Says).MatchString(d.Summary + "\n" + d.Detail)
	}) {
		l.violate("what it says", "no diagnostic says %q:\n%s", l.Says, t.errors())
	}
	if !l.Killed {
		l.checkOrphans(t, "the action")
	}
	if !l.RuleError && !t.killed && !t.panicked {
		l.checkErrors(t)
	}
}

// checkOrphans checks that each object at Heroku is in the state or named by a diagnostic. It skips attachments, which cost nothing
// and are found again by their names: checkEnd checks them.
func (l *Harness) checkOrphans(t *Trial, when string) {
	texts := t.errors()
	for id, object := range t.after.living {
		if object.kind == "attachment" || l.foreign[id] || t.after.addressOf(id) != "" || strings.Contains(texts, id) || object.name != "" &&
			strings.Contains(texts, `"`+object.name+`"`) {
			continue
		}
		l.violate("no orphan", "after %s, %s %s (%s) lives, and neither the state nor a diagnostic knows it", when, object.kind, object.name, id)
	}
}

// checkEnd checks the objects at the end of the experiment.
func (l *Harness) checkEnd() {
	last := l.trials[len(l.trials)-1]
	for id, object := range last.after.living {
		if !l.foreign[id] && last.after.addressOf(id) == "" && !l.staysWithFormerOwner(object, last.after) {
			l.violate("no orphan", "in the end %s %s (%s) lives and is in no state", object.kind, object.name, id)
		}
	}
	allowed := 0 // the largest number of billable objects that the state had at a time
	for _, t := range l.trials {
		billed := 0
		for _, object := range t.after.objects {
			if object.kind == "kvs_instance" || object.kind == "kvs_private_space" {
				billed++
			}
		}
		allowed = max(allowed, billed)
	}
	ordered := 0
	for _, object := range l.Ledger().Objects {
		if !l.foreign[object.ID] {
			ordered++
		}
	}
	if ordered > allowed+l.ExtraOrders {
		l.violate("no duplicate", "%d stores and spaces were ordered for %d", ordered, allowed+l.ExtraOrders)
	}
}

// checkDestruction checks that a run destroyed only what its plan listed.
func (l *Harness) checkDestruction(t *Trial) {
	for id, object := range t.before.living {
		if _, alive := t.after.living[id]; alive || l.destroyedOutside[id] {
			continue
		}
		address, of := t.before.addressOf(id), id
		if replaced, ok := strings.CutPrefix(object.name, "kvs-fork-of-"); ok && !object.used {
			address, of = t.before.addressOf(replaced), replaced
		}
		action := t.Planned[address]
		if action == "delete" || action == "replace" || action == "update" && t.announced(address, of) {
			continue
		}
		if object.kind == "attachment" && (action == "update" || t.gone(object.parent)) {
			continue // an attachment is destroyed with its store, and to change its name
		}
		l.violate("nothing unlisted is destroyed", "%s destroyed %s %s (%s, %s), for which its plan says %q", t.Args[0], object.kind, object.name,
			id, address, action)
	}
}

// An update that replaces a store by a fork has one of these warnings in its plan, with the id of the store. It may destroy the
// store itself, the one that an earlier replacement has kept, and an unfinished copy that no app uses yet.
var announcements = []string{
	"The store will be replaced by a fork of it", "The store will be replaced by an empty one",
	"The replacement of the store will be continued",
	"An unfinished replacement will be undone", "The retired store will be destroyed",
}

func (t *Trial) announced(address, id string) bool {
	return slices.ContainsFunc(t.Diagnostics, func(d Diagnostic) bool {
		summary, _, _ := strings.Cut(d.Summary, ": ") // the name of the object follows
		return d.Address == address && slices.Contains(announcements, summary) && strings.Contains(d.Detail, id)
	})
}

// staysWithFormerOwner reports whether an attachment is in no state because its store has moved to another app: the former owner
// keeps the attachment, which is destroyed with the store.
func (l *Harness) staysWithFormerOwner(attachment herokuObject, now world) bool {
	store := now.addressOf(attachment.parent)
	return attachment.kind == "attachment" && store != "" && slices.ContainsFunc(l.trials, func(t *Trial) bool {
		return t.before.objects[store].owner == attachment.app
	})
}

func (t *Trial) gone(id string) bool {
	_, alive := t.after.living[id]
	return !alive
}

// checkTaint checks that a run taints nothing, since the next apply would destroy it.
func (l *Harness) checkTaint(t *Trial) {
	for address, object := range t.after.objects {
		if object.tainted && !t.before.objects[address].tainted && t.Args[0] != "taint" && !t.killed {
			l.violate("nothing is tainted", "%s tainted %s", t.Args[0], address)
		}
	}
}

// bugs are texts of a panic, and texts with which the CLIs blame a provider. They are no expressions, since logs are long.
var bugs = []string{
	"panic:", "runtime error", "Provider produced", "bug in the provider", "This is a bug", "should be reported",
	"Plugin did not respond", "plugin crashed", "crashed!", "failed unexpectedly", "invalid memory address", "WARNING: DATA RACE",
}

// checkOutput checks that neither the output nor the log has one of bugs.
func (l *Harness) checkOutput(t *Trial) {
	if t.killed {
		return
	}
	for place, text := range map[string]string{"its output": t.Output(), "its log": t.traces()} {
		for _, words := range bugs {
			if t.panicked && words != "Plugin did not respond" {
				continue // the panic was injected; the provider must survive it
			}
			if t.signals > 1 && words == "Plugin did not respond" {
				continue // the CLI has killed the provider
			}
			if at := strings.Index(text, words); at >= 0 {
				l.violate("no panic", "%s has in %s: …%s…", t.Args[0], place, text[max(0, at-200):min(len(text), at+800)])
			}
		}
	}
}

// afterStop is how many requests of the provider may be answered after it was told to stop: those that were in flight, and one to
// look up the result of each.
const afterStop = 4

// checkInterrupt counts the requests that the log has after the CLI told the provider to stop. It does not measure time: a provider
// that continues to wait while the clock is held never ends, and the watchdog reports it.
func (l *Harness) checkInterrupt(t *Trial) {
	log := t.traces()
	stop := stopped.FindStringIndex(log)
	if stop == nil {
		l.violate("back after an interrupt", "the log does not show that the provider was told to stop, so nothing was seen")
		return
	}
	if requests := strings.Count(log[stop[1]:], "Heroku API request"); requests > afterStop {
		l.violate("back after an interrupt", "the provider made %d requests after it was told to stop", requests)
	}
}

// errorIDs are Heroku's error ids in the answers of faults with a status and no body.
var errorIDs = map[int]string{
	400: "bad_request", 401: "unauthorized", 402: "delinquent", 403: "forbidden", 404: "not_found", 409: "conflict",
	422: "invalid_params", 423: "confirmation_required", 429: "rate_limit", 500: "internal_server_error", 503: "service_unavailable",
}

// cliErrors are errors that the CLIs add to an error of the provider. OpenTofu and Terraform add the last one if the provider cannot
// be configured and the configuration has no provider block.
var cliErrors = []string{"execution halted", "Operation canceled", "operation canceled", "Plugin did not respond",
	"Invalid provider configuration"}

// checkErrors checks that each error names the object, the request, and Heroku's answer, so that support can find the request.
func (l *Harness) checkErrors(t *Trial) {
	var suspects []sandbox.Request
	for _, request := range t.Requests {
		if request.Fault != "" || request.Status == 0 || request.Status >= 400 {
			suspects = append(suspects, request)
		}
	}
	for _, d := range t.Diagnostics {
		if d.Severity != "error" || slices.Contains(cliErrors, d.Summary) {
			continue
		}
		if d.Address == "" && !t.before.names(d.Detail) && !strings.Contains(d.Detail, "Checking the API token") {
			l.violate("errors carry what support needs", "%q has no address:\n%s", d.Summary, d.Detail)
		}
		lacking := "any request that failed"
		for _, request := range suspects {
			switch missing := l.missing(d.Detail, request, t.faults); {
			case missing == "":
				lacking = ""
			case lacking != "" && missing != "the request":
				lacking = missing
			}
		}
		if lacking != "" {
			l.violate("errors carry what support needs", "%q lacks %s:\n%s", d.Summary, lacking, d.Detail)
		}
	}
}

// names reports whether a text has the id of an object: the CLIs give no address for an object that has left the configuration.
func (w world) names(text string) bool {
	for _, object := range w.objects {
		if object.id != "" && strings.Contains(text, object.id) {
			return true
		}
	}
	return false
}

// missing returns what a text lacks about a failed request, empty if it lacks nothing.
func (l *Harness) missing(detail string, r sandbox.Request, faults []sandbox.Fault) string {
	escaped := (&url.URL{Path: r.Path}).EscapedPath()
	switch {
	case !strings.Contains(detail, r.Method+" "+r.Path) && !strings.Contains(detail, r.Method+" "+escaped):
		return "the request"
	case r.Status == 0:
		return "" // the request was not answered
	}
	_, sandboxID, _ := strings.Cut(r.RequestID, ",")
	if sandboxID == "" {
		sandboxID = r.RequestID
	}
	plain := true // the answer is an error in Heroku's format
	for _, fault := range faults {
		if fault.ID == r.Fault {
			plain = fault.Do.Body == nil && !fault.Do.Truncate
		}
	}
	switch {
	case !strings.Contains(detail, fmt.Sprint(r.Status)):
		return fmt.Sprintf("the status %d", r.Status)
	case !strings.Contains(detail, sandboxID):
		return "the request id " + sandboxID
	case plain && r.Fault != "" && errorIDs[r.Status] != "" && !strings.Contains(detail, errorIDs[r.Status]):
		return "Heroku's error id " + errorIDs[r.Status]
	}
	return ""
}

// checkSecrets looks for each secret, in each encoding, in the state, plans, outputs and logs. It first checks that these were read
// and that each encoding would be found.
func (l *Harness) checkSecrets() {
	places := map[string]string{"the state": l.CLI.StateFile(), "the plan as JSON": l.shown, "the saved plan": l.savedPlan()}
	requestsLogged := false
	for i, t := range l.trials {
		places[fmt.Sprintf("the output of run %d (%s)", i+1, t.Args[0])] = t.Output()
		places[fmt.Sprintf("the log of run %d (%s)", i+1, t.Args[0])] = t.traces()
		requestsLogged = requestsLogged || strings.Contains(t.traces(), "Heroku API request")
	}
	for place, proof := range map[string]string{"the plan as JSON": `"format_version"`, "the state": `"terraform_version"`,
		"the saved plan": "resource"} {
		if l.concluded && (place != "the plan as JSON" || acctest.LongForm()) && !strings.Contains(places[place], proof) {
			l.violate("no secret", "%s was not read, so the absence of secrets in it proves nothing:\n%s", place, places[place])
		}
	}
	if l.separateProcess && !requestsLogged {
		l.violate("no secret", "no log shows a request, so the absence of secrets in them proves nothing")
	}
	for name, secret := range l.secrets {
		for place, text := range places {
			if leaks(text, secret) {
				l.violate("no secret", "%s is in %s", name, place)
			}
		}
		for _, form := range encodings(secret) {
			if len(form) < 8 || !leaks(`"url": "`+form+`"`, secret) {
				l.violate("no secret", "%s, as %d characters, would not be found", name, len(form))
			}
		}
	}
}

// leaks reports whether a text has a secret in any encoding.
func leaks(text, secret string) bool {
	return slices.ContainsFunc(encodings(secret), func(form string) bool { return strings.Contains(text, form) })
}

// encodings returns the ways in which a secret may be encoded.
func encodings(secret string) []string {
	quoted, _ := json.Marshal(secret)
	all := []string{
		secret, url.QueryEscape(secret), url.PathEscape(secret), strings.Trim(string(quoted), `"`),
		base64.StdEncoding.EncodeToString([]byte(secret)), base64.URLEncoding.EncodeToString([]byte(secret)),
	}
	slices.Sort(all)
	return slices.Compact(all)
}
