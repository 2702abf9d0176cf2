// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku

import (
	"errors"
	"strings"
)

// This file parses netrc files as curl and git do: words are separated by blanks, and quoted if they contain blanks; "macdef"
// begins a macro, which ends with an empty line and contains no entries; "#" in place of a keyword begins a comment. Published
// Go modules take the lines of a macro for entries, and quotation marks for a part of the password.

var errUnclosedQuote = errors.New("a quote is not closed")

// netrcPassword returns the first password in the entries of a host, or "". listed means that the host has an entry. The entry
// "default" is skipped, because it names no host.
func netrcPassword(content, host string) (password string, listed bool, err error) {
	words := netrcWords{rest: content}
	matches := false // the current entry is for host
	for {
		keyword, err := words.next(true)
		if err != nil || keyword == "" {
			return "", listed, err
		}
		switch keyword {
		case "default":
			matches = false
		case "macdef":
			words.skipMacro()
		case "machine", "login", "account", "password":
			value, err := words.next(false)
			switch {
			case err != nil:
				return "", listed, err
			case keyword == "machine":
				matches = strings.EqualFold(strings.TrimSuffix(value, "."), host)
				listed = listed || matches
			case keyword == "password" && matches && value != "":
				return value, true, nil
			}
		}
	}
}

// netrcWords splits the rest of a file into words.
type netrcWords struct{ rest string }

// next returns the next word, or "" at the end. With skipComments, it skips comments before the word.
func (w *netrcWords) next(skipComments bool) (string, error) {
	w.rest = strings.TrimLeft(w.rest, " \t\r\n")
	for skipComments && strings.HasPrefix(w.rest, "#") {
		_, w.rest, _ = strings.Cut(w.rest, "\n")
		w.rest = strings.TrimLeft(w.rest, " \t\r\n")
	}
	if strings.HasPrefix(w.rest, `"`) {
		return w.quoted()
	}
	end := strings.IndexAny(w.rest, " \t\r\n")
	if end < 0 {
		end = len(w.rest)
	}
	word := w.rest[:end]
	w.rest = w.rest[end:]
	return word, nil
}

// quoted returns a word in quotes, which must end on the same line. A backslash escapes any character; \n, \r and \t have their
// usual meaning.
func (w *netrcWords) quoted() (string, error) {
	var word strings.Builder
	escaped := false
	for i, c := range []byte(w.rest[1:]) {
		switch {
		case escaped:
			word.WriteString(strings.NewReplacer("n", "\n", "r", "\r", "t", "\t").Replace(string(c)))
			escaped = false
		case c == '\\':
			escaped = true
		case c == '"':
			w.rest = w.rest[i+2:]
			return word.String(), nil
		case c == '\n':
			return "", errUnclosedQuote
		default:
			word.WriteByte(c)
		}
	}
	return "", errUnclosedQuote
}

// skipMacro skips a macro, which ends with an empty line or at the end of the file.
func (w *netrcWords) skipMacro() {
	for w.rest != "" {
		var line string
		line, w.rest, _ = strings.Cut(w.rest, "\n")
		if strings.TrimRight(line, "\r") == "" {
			return
		}
	}
}
