// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"html"
	"log/slog"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

const redacted = "(sensitive)"

// Secret is a value that must not reach a log, an error or a state file. Every way of printing it prints
// "(sensitive)"; only Reveal returns it.
type Secret string

// Reveal returns the value itself.
func (s Secret) Reveal() string { return string(s) }

func (Secret) String() string               { return redacted }
func (Secret) GoString() string             { return redacted }
func (Secret) Format(f fmt.State, _ rune)   { fmt.Fprint(f, redacted) }
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
func (Secret) LogValue() slog.Value         { return slog.StringValue(redacted) }

// shortestSecret: what is shorter is made up, and its letters are everywhere.
const shortestSecret = 6

// parts are the texts that nobody may read: the secret itself, and of a URL also its password, alone and with the user, and
// what follows the host.
func (s Secret) parts() []string {
	parts := []string{s.Reveal()}
	if u, err := url.Parse(s.Reveal()); err == nil && u.Host != "" {
		password, _ := u.User.Password()
		raw, _, _ := strings.Cut(u.User.String(), "@")
		_, encoded, _ := strings.Cut(raw, ":")
		parts = append(parts, password, encoded, u.RequestURI(), u.RawQuery)
		if password != "" {
			parts = append(parts, u.User.Username()+":"+password, raw)
		}
	}
	return slices.DeleteFunc(parts, func(part string) bool { return len(part) < shortestSecret })
}

// cutFrom takes a secret out of a text that somebody else wrote, in whatever way it is encoded there.
func (s Secret) redactFrom(text string) string {
	for _, part := range s.parts() {
		text = redactPart(text, part)
	}
	return text
}

// secrets are those that a client knows, because it sends or has read them. Whoever reads an error may not.
type secrets struct {
	mu    sync.RWMutex
	parts map[string][]string // with what they look like in base64
}

// learn takes a token, or a URL for its password: what is around that is scrubbed by its form. Other texts are no secrets.
func (k *secrets) add(s Secret) {
	part := s.Reveal()
	if u, err := url.Parse(part); err == nil && u.Host != "" {
		part, _ = u.User.Password()
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.parts == nil {
		k.parts = map[string][]string{}
	}
	if _, known := k.parts[part]; !known && len(part) >= shortestSecret {
		k.parts[part] = inBase64(part)
	}
}

func (k *secrets) redactFrom(text string) string {
	k.mu.RLock()
	defer k.mu.RUnlock()
	plain := unescaped(text)
	for part, encoded := range k.parts {
		if strings.Contains(plain, part) || slices.ContainsFunc(encoded, func(form string) bool { return strings.Contains(plain, form) }) {
			text = redactPart(text, part)
		}
	}
	return text
}

// cut replaces a text wherever it appears as it is, with some of its characters escaped, or within a text in base64.
func redactPart(text, part string) string {
	for _, encoded := range inBase64(part) {
		if strings.Contains(unescaped(text), encoded) {
			text = regexp.MustCompile(`[A-Za-z0-9+/_%-]*`+escapedForm(encoded).String()+`[A-Za-z0-9+/_%-]*`).ReplaceAllLiteralString(text, redacted)
		}
	}
	text = strings.ReplaceAll(text, part, redacted)
	if !strings.Contains(unescaped(text), part) {
		return text
	}
	text = escapedForm(part).ReplaceAllLiteralString(text, redacted)
	if strings.Contains(unescaped(text), part) {
		return redacted // in a form that nobody has thought of
	}
	return text
}

// escapedForm matches a text each of whose bytes may be escaped: for URLs, once or more often, for JSON or for HTML.
func escapedForm(part string) *regexp.Regexp {
	var pattern strings.Builder
	for _, r := range part {
		if r >= utf8.RuneSelf {
			fmt.Fprintf(&pattern, `(?:%s|(?i:%s)|\\+u(?i:%04x)|&(?:amp;)*#0*%d;|&(?:amp;)*#(?i:x0*%x);)`, string(r), percented(r), r, r, r)
			continue
		}
		c := byte(r)
		fmt.Fprintf(&pattern, `(?:\\*%s|%%(?:25)*(?i:%02x)|\\+u(?i:00%02x)|&(?:amp;)*#0*%d;|&(?:amp;)*#(?i:x0*%02x);`,
			regexp.QuoteMeta(string(rune(c))), c, c, c, c)
		if name := html.EscapeString(string(rune(c))); len(name) > 1 {
			fmt.Fprintf(&pattern, `|%s`, strings.Replace(regexp.QuoteMeta(name), "&", "&(?:amp;)*", 1))
		}
		if c == '"' {
			pattern.WriteString(`|&(?:amp;)*quot;`)
		}
		pattern.WriteByte(')')
	}
	return regexp.MustCompile(pattern.String())
}

func percented(r rune) string {
	var pattern strings.Builder
	for _, c := range []byte(string(r)) {
		fmt.Fprintf(&pattern, `%%(?:25)*%02x`, c)
	}
	return pattern.String()
}

var (
	percentEscape = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)
	jsonEscape    = regexp.MustCompile(`\\u[0-9A-Fa-f]{4}|\\["\\/]`)
)

// unescaped undoes what escapes of URLs, JSON and HTML there are, twice at most. It is only compared with, never shown.
func unescaped(text string) string {
	for range 2 {
		if !strings.ContainsAny(text, `%\&`) {
			return text
		}
		text = percentEscape.ReplaceAllStringFunc(html.UnescapeString(text), func(escape string) string {
			return unescapedByte(escape[1:])
		})
		text = jsonEscape.ReplaceAllStringFunc(text, func(escape string) string {
			if len(escape) == 2 {
				return escape[1:]
			}
			point, _ := strconv.ParseUint(escape[2:], 16, 16)
			return string(rune(point))
		})
	}
	return text
}

func unescapedByte(digits string) string {
	b, _ := hex.DecodeString(digits)
	return string(b)
}

// inBase64 is what a text looks like within a longer one in base64, such as user:password: it may begin at any of three
// places in a group of three bytes, and what its neighbours take part in is left out.
func inBase64(part string) (forms []string) {
	for before := range 3 {
		encoded := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("\x00", before) + part))
		if rest := (before + len(part)) % 3; rest != 0 {
			encoded = encoded[:len(encoded)-rest-1]
		}
		encoded = encoded[min([]int{0, 2, 3}[before], len(encoded)):]
		if len(encoded) < 7 {
			continue
		}
		forms = append(forms, encoded)
		if other := strings.NewReplacer("+", "-", "/", "_").Replace(encoded); other != encoded {
			forms = append(forms, other)
		}
	}
	return forms
}
