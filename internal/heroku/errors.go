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

// Error is an error that Heroku returned (Platform API reference, errors). Match on ID, never on Message.
type Error struct {
	Status    int
	ID        string // "not_found", "invalid_params", …; empty when Heroku gave none
	Message   string // as Heroku wrote it, without secrets; may have several lines
	URL       string // of the documentation, if any
	Resource  string // of some 404: "app", "add_on", "add_on attachment", …
	RequestID string
	Method    string
	Path      string
	Tries     int

	// ConfirmationRequired is the app name to send as the parameter confirm when ID is confirmation_required.
	ConfirmationRequired string
}

func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s: %d %s", e.Method, e.Path, e.Status, cmp.Or(e.ID, strings.ToLower(http.StatusText(e.Status))))
	if e.Message != "" {
		fmt.Fprintf(&b, ": %s", joinLines(e.Message))
	}
	b.WriteString(requestDetails("", e.RequestID, e.Tries))
	return b.String()
}

// HasID reports whether err is an [*Error] with this id.
func HasID(err error, id string) bool {
	var e *Error
	return errors.As(err, &e) && e.ID == id
}

// HasStatus reports whether err is an [*Error] with this status. A status from a proxy does not count.
func HasStatus(err error, status int) bool {
	var e *Error
	return errors.As(err, &e) && e.Status == status
}

// IsNotFound reports whether err proves that an object does not exist: it has the status 404 and Heroku's id not_found. A 404
// without the id may come from a proxy, and proves nothing.
func IsNotFound(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Status == http.StatusNotFound && e.ID == "not_found"
}

// TransportError means that there was no response, or only the beginning of one. Sent is true if the request may have reached
// Heroku.
type TransportError struct {
	Method    string
	Path      string
	Status    int    // of a response that broke off; 0 when there was none
	RequestID string // of a response that broke off
	Tries     int
	Sent      bool
	Err       error
}

func (e *TransportError) Error() string {
	if e.Status != 0 {
		return fmt.Sprintf("%s %s: the answer, with status %d, broke off: %v%s", e.Method, e.Path, e.Status, e.Err,
			requestDetails("", e.RequestID, e.Tries))
	}
	return fmt.Sprintf("%s %s: %v%s", e.Method, e.Path, e.Err, requestDetails("", "", e.Tries))
}

func (e *TransportError) Unwrap() error { return e.Err }

// BodyError means that the body of a response cannot be decoded: it is an HTML page, empty, incomplete, or of another type.
type BodyError struct {
	Method      string
	Path        string
	Status      int
	RequestID   string
	ContentType string
	Reason      string // at most 80 characters; never quotes the body
	Tries       int
}

func (e *BodyError) Error() string {
	return fmt.Sprintf("%s %s: the answer, with status %d, cannot be understood: %s%s",
		e.Method, e.Path, e.Status, e.Reason, requestDetails(e.ContentType, e.RequestID, e.Tries))
}

// WaitOutcome is why a wait ended without success.
type WaitOutcome int

const (
	Interrupted WaitOutcome = iota + 1 // the caller's context was cancelled
	TimedOut                           // the object was not ready in time; it may still become so
	Failed                             // Heroku reported that the operation failed
	Unreachable                        // the state could not be read for five minutes, or not at all
	Gone                               // the object was destroyed meanwhile
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

// WaitError means that a wait ended without success.
type WaitError struct {
	Outcome   WaitOutcome
	What      string        // "add-on 7c4e… to be provisioned"
	LastState string        // as Heroku calls it; empty when it was never read
	Elapsed   time.Duration // measured on the client's Clock
	Err       error         // the cause, if there is one
}

func (e *WaitError) Error() string {
	text := fmt.Sprintf("waiting for %s: %s after %s", e.What, e.Outcome, e.Elapsed.Round(time.Second))
	if e.LastState != "" {
		text += fmt.Sprintf(" (last state: %s)", joinLines(e.LastState))
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

func (e *WaitError) Unwrap() error { return e.Err }

// requestDetails returns the end of an error text, which helps to find the request in the logs of Heroku and of the provider.
func requestDetails(contentType, requestID string, tries int) string {
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

// joinLines joins the lines of a text with spaces.
func joinLines(text string) string { return strings.Join(strings.Fields(printable(text)), " ") }

// clip joins the lines of a text and limits its length.
func clip(text string, limit int) string {
	runes := []rune(joinLines(text))
	if len(runes) > limit {
		runes = append(runes[:limit-1], '…')
	}
	return string(runes)
}

// urlWithPassword also matches passwords that are not percent-encoded, and URLs that are escaped as a whole.
var urlWithPassword = regexp.MustCompile(`[A-Za-z][A-Za-z0-9+.-]*` + escapable(':', `:`) + `(?:` + escapable('/', `\\?/`) + `){2}` +
	`[^\s"'<>]*` + escapable('@', `@`) + `[^\s"'<>]*`)

// escapable returns a pattern for a character as it is (the pattern plain), or escaped for URLs, JSON or HTML.
func escapable(c byte, plain string) string {
	return fmt.Sprintf(`(?:%s|%%(?:25)*(?i:%02x)|\\+u(?i:00%02x)|&#0*%d;|&#(?i:x0*%02x);)`, plain, c, c, c, c)
}

// scrub redacts secrets in a text from Heroku or an add-on partner, which may repeat what it was sent.
func (c *Client) scrub(text string) string {
	text = printable(c.known.redactFrom(text))
	return urlWithPassword.ReplaceAllString(text, redacted)
}
