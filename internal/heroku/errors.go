// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"
)

// Error is an answer in which Heroku says no (Platform API reference, errors). Match on ID, never on Message.
type Error struct {
	Status    int
	ID        string // "not_found", "invalid_params", …; empty when Heroku gave none
	Message   string // as Heroku wrote it, but for secrets; may have several lines
	URL       string // of the documentation, if any
	Resource  string // on some 404: "app", "add_on", "add_on attachment", …
	RequestID string
	Method    string
	Path      string
	Tries     int

	// ConfirmationRequired is the app name to send as confirm, with the id confirmation_required.
	ConfirmationRequired string
}

func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s: %d %s", e.Method, e.Path, e.Status, cmp.Or(e.ID, strings.ToLower(http.StatusText(e.Status))))
	if e.Message != "" {
		fmt.Fprintf(&b, ": %s", fold(e.Message))
	}
	b.WriteString(origin("", e.RequestID, e.Tries))
	return b.String()
}

// HasID reports whether Heroku answered with this error id.
func HasID(err error, id string) bool {
	var e *Error
	return errors.As(err, &e) && e.ID == id
}

// HasStatus reports whether Heroku itself answered with this status.
func HasStatus(err error, status int) bool {
	var e *Error
	return errors.As(err, &e) && e.Status == status
}

// IsNotFound reports the proof that something does not exist: status 404 and Heroku's id not_found. A bare 404 may
// come from a proxy and proves nothing.
func IsNotFound(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Status == http.StatusNotFound && e.ID == "not_found"
}

// TransportError means that there was no answer, or only the beginning of one. Sent tells whether the request may have
// reached Heroku.
type TransportError struct {
	Method    string
	Path      string
	Status    int    // of an answer that broke off; 0 when there was none
	RequestID string // likewise
	Tries     int
	Sent      bool
	Err       error
}

func (e *TransportError) Error() string {
	if e.Status != 0 {
		return fmt.Sprintf("%s %s: the answer, with status %d, broke off: %v%s", e.Method, e.Path, e.Status, e.Err,
			origin("", e.RequestID, e.Tries))
	}
	return fmt.Sprintf("%s %s: %v%s", e.Method, e.Path, e.Err, origin("", "", e.Tries))
}

func (e *TransportError) Unwrap() error { return e.Err }

// BodyError is an answer whose body cannot be understood: an HTML page, nothing, half of it, another type.
type BodyError struct {
	Method      string
	Path        string
	Status      int
	RequestID   string
	ContentType string
	Reason      string // at most 80 characters, and never a part of the body
	Tries       int
}

func (e *BodyError) Error() string {
	return fmt.Sprintf("%s %s: the answer, with status %d, cannot be understood: %s%s",
		e.Method, e.Path, e.Status, e.Reason, origin(e.ContentType, e.RequestID, e.Tries))
}

// WaitOutcome is why a wait ended without success.
type WaitOutcome int

const (
	Interrupted WaitOutcome = iota + 1 // the caller's context ended
	TimedOut                           // not ready in time; it may still become so
	Failed                             // Heroku declared that it failed
	Unreachable                        // its state could not be read for five minutes, or not at all
	Gone                               // it has been destroyed meanwhile
)

func (o WaitOutcome) String() string {
	switch o {
	case Interrupted:
		return "interrupted"
	case TimedOut:
		return "timed out"
	case Failed:
		return "failed"
	case Unreachable:
		return "lost contact"
	case Gone:
		return "gone"
	default:
		return fmt.Sprintf("outcome %d", int(o))
	}
}

// WaitError tells how a wait ended, after which time and in which last known state.
type WaitError struct {
	Outcome   WaitOutcome
	What      string        // "add-on 7c4e… to be provisioned"
	LastState string        // as Heroku calls it; empty when it was never read
	Elapsed   time.Duration // on the Clock
	Err       error         // the cause, if there is one
}

func (e *WaitError) Error() string {
	text := fmt.Sprintf("waiting for %s: %s after %s", e.What, e.Outcome, e.Elapsed.Round(time.Second))
	if e.LastState != "" {
		text += fmt.Sprintf(" (last state: %s)", fold(e.LastState))
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

func (e *WaitError) Unwrap() error { return e.Err }

// origin is the tail of an error text: what helps to find the request in Heroku's logs and in ours.
func origin(contentType, requestID string, tries int) string {
	var parts []string
	if contentType != "" {
		parts = append(parts, contentType)
	}
	if requestID != "" {
		parts = append(parts, "request id "+requestID)
	}
	if tries > 1 {
		parts = append(parts, fmt.Sprintf("%d tries", tries))
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

// fold puts a text on one line.
func fold(text string) string { return strings.Join(strings.Fields(printable(text)), " ") }

// clip folds a text and limits its length.
func clip(text string, limit int) string {
	runes := []rune(fold(text))
	if len(runes) > limit {
		runes = append(runes[:limit-1], '…')
	}
	return string(runes)
}

// urlWithPassword also covers passwords that nobody percent-encoded, and URLs that are escaped as a whole.
var urlWithPassword = regexp.MustCompile(`[A-Za-z][A-Za-z0-9+.-]*` + escapable(':', `:`) + `(?:` + escapable('/', `\\?/`) + `){2}` +
	`[^\s"'<>]*` + escapable('@', `@`) + `[^\s"'<>]*`)

// escapable matches a character as it is, or escaped for URLs, JSON or HTML.
func escapable(c byte, plain string) string {
	return fmt.Sprintf(`(?:%s|%%(?:25)*(?i:%02x)|\\+u(?i:00%02x)|&#0*%d;|&#(?i:x0*%02x);)`, plain, c, c, c, c)
}

// scrub takes secrets out of a text that somebody else wrote: add-on partners repeat what they were sent.
func (c *Client) scrub(text string) string {
	text = printable(c.known.redactFrom(text))
	return urlWithPassword.ReplaceAllString(text, redacted)
}
