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

// Secret is a value that must not reach a log, an error or a state file. However it is printed, it shows as "(sensitive)"; only
// Reveal returns the value.
type Secret string

// Reveal returns the value.
func (s Secret) Reveal() string { return string(s) }

func (Secret) String() string               { return redacted }
func (Secret) GoString() string             { return redacted }
func (Secret) Format(f fmt.State, _ rune)   { fmt.Fprint(f, redacted) }
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
func (Secret) LogValue() slog.Value         { return slog.StringValue(redacted) }

// shortestSecret is the length in bytes from which texts are redacted. Shorter ones are no real secrets, and would match
// ordinary words.
const shortestSecret = 6

// parts returns the texts to redact: the secret itself, and for a URL also the password, alone and with the user name, and
// everything that follows the host.
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

// redactFrom redacts the secret in a text, however it is encoded there.
func (s Secret) redactFrom(text string) string {
	for _, part := range s.parts() {
		text = redactPart(text, part)
	}
	return text
}

// secrets are the secrets that a client has sent or read, which its errors must not show.
type secrets struct {
	mu    sync.RWMutex
	parts map[string][]string // each with its base64 forms
}

// add adds a token, or the password of a URL. The rest of a URL is redacted by [urlWithPassword].
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

// contain reports whether the text is one of the secrets.
func (k *secrets) contain(text string) bool {
	k.mu.RLock()
	defer k.mu.RUnlock()
	_, known := k.parts[text]
	return known
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

// redactPart redacts part wherever it appears in text: as it is, with some of its characters escaped, or within base64.
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
		return redacted // it is escaped in a form that escapedForm does not match
	}
	return text
}

// escapedForm returns a pattern for a text any of whose characters may be escaped: for URLs (once or repeatedly), JSON or HTML.
func escapedForm(part string) *regexp.Regexp {
	var pattern strings.Builder
	for _, r := range part {
		if r >= utf8.RuneSelf {
			fmt.Fprintf(&pattern, `(?:%s|(?i:%s)|\\+u(?i:%04x)|&(?:amp;)*#0*%d;|&(?:amp;)*#(?i:x0*%x);)`,
				string(r), percentEncodedPattern(r), r, r, r)
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

func percentEncodedPattern(r rune) string {
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

// unescaped undoes the escapes of URLs, JSON and HTML, up to twice. The result is only for comparisons.
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

// inBase64 returns the forms that a text can have within the base64 of a longer one, such as user:password. It may begin at any of
// the three positions in a group of three bytes. Characters that also encode bytes of its neighbours are left out.
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
