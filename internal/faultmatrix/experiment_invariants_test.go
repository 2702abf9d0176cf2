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

// The invariants. Each has a test in experiment_test.go that breaks it and sees it reported.

// judgeTrial is about each run, in whatever state the world is.
func (l *Harness) judgeTrial(t *Trial) {
	l.judgeWords(t)
	l.judgeDestruction(t)
	l.judgeTaint(t)
	if budget := max(l.Budget, requestBudget); len(t.Requests) > budget {
		l.violate("requests within the budget", "%s took %d requests, want at most %d", t.Args[0], len(t.Requests), budget)
	}
	if t.signals > 0 {
		l.judgeReturn(t)
	}
}

// judgeAction is about the run that the faults struck.
func (l *Harness) judgeAction(t *Trial) {
	if t.Code != l.Exit && l.Exit != AnyExit && !t.killed {
		l.violate("exit code", "%s exits %d, want %d:\n%s", t.Args[0], t.Code, l.Exit, t.errors())
	}
	if l.Says != "" && !slices.ContainsFunc(t.Diagnostics, func(d Diagnostic) bool {
		return acctest.Says(l.Says).MatchString(d.Summary + "\n" + d.Detail)
	}) {
		l.violate("what it says", "no diagnostic says %q:\n%s", l.Says, t.errors())
	}
	if !l.Killed {
		l.judgeOrphans(t, "the action")
	}
	if !l.Rule && !t.killed && !t.panicked {
		l.judgeErrors(t)
	}
}

// judgeOrphans: what lives is in the state, or a diagnostic names it. An attachment that an update made before it failed
// costs nothing and is found again by its name: it counts in the end.
func (l *Harness) judgeOrphans(t *Trial, when string) {
	said := t.errors()
	for id, thing := range t.after.living {
		if thing.kind == "attachment" || l.foreign[id] || t.after.addressOf(id) != "" || strings.Contains(said, id) || thing.name != "" &&
			strings.Contains(said, `"`+thing.name+`"`) {
			continue
		}
		l.violate("no orphan", "after %s, %s %s (%s) lives, and neither the state nor a diagnostic knows it", when, thing.kind, thing.name, id)
	}
}

// judgeEnd is about the world in the end.
func (l *Harness) judgeEnd() {
	last := l.trials[len(l.trials)-1]
	for id, thing := range last.after.living {
		if !l.foreign[id] && last.after.addressOf(id) == "" && !l.carried(thing, last.after) {
			l.violate("no orphan", "in the end %s %s (%s) lives and is in no state", thing.kind, thing.name, id)
		}
	}
	lawful := 0 // as many as the state ever had at a time
	for _, t := range l.trials {
		billed := 0
		for _, object := range t.after.objects {
			if object.kind == "kvs_instance" || object.kind == "kvs_private_space" {
				billed++
			}
		}
		lawful = max(lawful, billed)
	}
	ordered := 0
	for _, object := range l.Ledger().Objects {
		if !l.foreign[object.ID] {
			ordered++
		}
	}
	if ordered > lawful+l.Reorders {
		l.violate("no duplicate", "%d stores and spaces were ordered for %d", ordered, lawful+l.Reorders)
	}
}

// judgeDestruction: nothing goes that the plan did not list.
func (l *Harness) judgeDestruction(t *Trial) {
	for id, thing := range t.before.living {
		if _, alive := t.after.living[id]; alive || l.excused[id] {
			continue
		}
		address, of := t.before.addressOf(id), id
		if replaced, ok := strings.CutPrefix(thing.name, "kvs-fork-of-"); ok && !thing.used {
			address, of = t.before.addressOf(replaced), replaced
		}
		action := t.Planned[address]
		if action == "delete" || action == "replace" || action == "update" && t.announced(address, of) {
			continue
		}
		if thing.kind == "attachment" && (action == "update" || t.gone(thing.parent)) {
			continue // it goes with its store, or changes its name
		}
		l.violate("nothing unlisted is destroyed", "%s destroyed %s %s (%s, %s), for which its plan says %q", t.Args[0], thing.kind, thing.name,
			id, address, action)
	}
}

// A store is replaced by a fork in an update, for which the plan has a warning of the store by its id. With it may go the
// store itself, the one that an earlier replacement has kept, and an unfinished copy that no app uses yet.
var announcements = []string{
	"The store will be replaced by a fork of it", "The store will be replaced by an empty one",
	"The replacement of the store will be continued",
	"An unfinished replacement will be undone", "The retired store will be destroyed",
}

func (t *Trial) announced(address, id string) bool {
	return slices.ContainsFunc(t.Diagnostics, func(d Diagnostic) bool {
		summary, _, _ := strings.Cut(d.Summary, ": ") // what follows names the object
		return d.Address == address && slices.Contains(announcements, summary) && strings.Contains(d.Detail, id)
	})
}

// carried says that an attachment is the store's own affair: a replacement by another app's store left it to the former
// owner, whose own it was, and it goes with the store.
func (l *Harness) carried(attachment thing, now world) bool {
	store := now.addressOf(attachment.parent)
	return attachment.kind == "attachment" && store != "" && slices.ContainsFunc(l.trials, func(t *Trial) bool {
		return t.before.objects[store].owner == attachment.app
	})
}

func (t *Trial) gone(id string) bool {
	_, alive := t.after.living[id]
	return !alive
}

// judgeTaint: a tainted store or space is one that the next apply destroys.
func (l *Harness) judgeTaint(t *Trial) {
	for address, object := range t.after.objects {
		if object.tainted && !t.before.objects[address].tainted && t.Args[0] != "taint" && !t.killed {
			l.violate("nothing is tainted", "%s tainted %s", t.Args[0], address)
		}
	}
}

// bugs are the words of a panic, and those with which the CLIs blame a provider. Plain search: logs are long.
var bugs = []string{
	"panic:", "runtime error", "Provider produced", "bug in the provider", "This is a bug", "should be reported",
	"Plugin did not respond", "plugin crashed", "crashed!", "failed unexpectedly", "invalid memory address", "WARNING: DATA RACE",
}

// judgeWords: no panic, and nothing for which the CLI blames the provider.
func (l *Harness) judgeWords(t *Trial) {
	if t.killed {
		return
	}
	for place, text := range map[string]string{"its output": t.Output(), "its log": t.traces()} {
		for _, words := range bugs {
			if t.panicked && words != "Plugin did not respond" {
				continue // it did panic: what matters is that it survives
			}
			if t.signals > 1 && words == "Plugin did not respond" {
				continue // the CLI has killed it
			}
			if at := strings.Index(text, words); at >= 0 {
				l.violate("no panic", "%s has in %s: …%s…", t.Args[0], place, text[max(0, at-200):min(len(text), at+800)])
			}
		}
	}
}

// afterStop is how many requests the provider may have answered after it was told to stop: one for each that was on its
// way, and one to see what became of it.
const afterStop = 4

// judgeReturn reads in the log when the CLI told the provider to stop, and what the provider asked Heroku for after that.
// Nothing is measured by the clock: whoever waits on in held time does so for ever, and the watchdog names it.
func (l *Harness) judgeReturn(t *Trial) {
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

// errorIDs are Heroku's, of the statuses that faults answer in its envelope.
var errorIDs = map[int]string{
	400: "bad_request", 401: "unauthorized", 402: "delinquent", 403: "forbidden", 404: "not_found", 409: "conflict",
	422: "invalid_params", 423: "confirmation_required", 429: "rate_limit", 500: "internal_server_error", 503: "service_unavailable",
}

// theirOwn are errors that the CLIs add to one of the provider's. The last one comes when the provider could not be
// configured, and no block in the configuration does so.
var theirOwn = []string{"execution halted", "Operation canceled", "operation canceled", "Plugin did not respond",
	"Invalid provider configuration"}

// judgeErrors: an error tells the object, the request, and what Heroku said, so that support can find it.
func (l *Harness) judgeErrors(t *Trial) {
	var suspects []sandbox.Request
	for _, request := range t.Requests {
		if request.Fault != "" || request.Status == 0 || request.Status >= 400 {
			suspects = append(suspects, request)
		}
	}
	for _, d := range t.Diagnostics {
		if d.Severity != "error" || slices.Contains(theirOwn, d.Summary) {
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

// names reports whether a text has the id of an object: the CLIs know no address of what has left the configuration.
func (w world) names(text string) bool {
	for _, object := range w.objects {
		if object.id != "" && strings.Contains(text, object.id) {
			return true
		}
	}
	return false
}

// missing is what a text does not tell of a request that failed.
func (l *Harness) missing(detail string, r sandbox.Request, faults []sandbox.Fault) string {
	escaped := (&url.URL{Path: r.Path}).EscapedPath()
	switch {
	case !strings.Contains(detail, r.Method+" "+r.Path) && !strings.Contains(detail, r.Method+" "+escaped):
		return "the request"
	case r.Status == 0:
		return "" // there was no answer
	}
	_, sandboxID, _ := strings.Cut(r.RequestID, ",")
	if sandboxID == "" {
		sandboxID = r.RequestID
	}
	plain := true // in Heroku's envelope
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

// judgeSecrets looks for every secret, in every form, in every place, after it has shown that it would find it.
func (l *Harness) judgeSecrets() {
	places := map[string]string{"the state": l.CLI.StateFile(), "the plan as JSON": l.shown, "the saved plan": l.savedPlan()}
	talkative := false
	for i, t := range l.trials {
		places[fmt.Sprintf("the output of run %d (%s)", i+1, t.Args[0])] = t.Output()
		places[fmt.Sprintf("the log of run %d (%s)", i+1, t.Args[0])] = t.traces()
		talkative = talkative || strings.Contains(t.traces(), "Heroku API request")
	}
	for place, proof := range map[string]string{"the plan as JSON": `"format_version"`, "the state": `"terraform_version"`,
		"the saved plan": "resource"} {
		if l.concluded && (place != "the plan as JSON" || acctest.LongForm()) && !strings.Contains(places[place], proof) {
			l.violate("no secret", "%s was not had, so the absence of secrets in it proves nothing:\n%s", place, places[place])
		}
	}
	if l.apart && !talkative {
		l.violate("no secret", "no log shows a request, so the absence of secrets in them proves nothing")
	}
	for name, secret := range l.secrets {
		for place, text := range places {
			if leaks(text, secret) {
				l.violate("no secret", "%s is in %s", name, place)
			}
		}
		for _, form := range forms(secret) {
			if len(form) < 8 || !leaks(`"url": "`+form+`"`, secret) {
				l.violate("no secret", "%s, as %d characters, would not be found", name, len(form))
			}
		}
	}
}

// leaks reports whether a text has a secret in any form.
func leaks(text, secret string) bool {
	return slices.ContainsFunc(forms(secret), func(form string) bool { return strings.Contains(text, form) })
}

// forms are the ways in which a secret may be spelled.
func forms(secret string) []string {
	quoted, _ := json.Marshal(secret)
	all := []string{
		secret, url.QueryEscape(secret), url.PathEscape(secret), strings.Trim(string(quoted), `"`),
		base64.StdEncoding.EncodeToString([]byte(secret)), base64.URLEncoding.EncodeToString([]byte(secret)),
	}
	slices.Sort(all)
	return slices.Compact(all)
}
