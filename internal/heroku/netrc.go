// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku

import (
	"errors"
	"strings"
)

// A netrc file is read as curl and git read it: words between blanks, in quotes if they contain some; "macdef" begins a
// macro that ends with an empty line and contains no entries; "#" where a keyword is expected begins a comment. It is our
// own because parsers that are offered as modules take the lines of a macro for entries, and quotes for a part of a password.

var errUnclosedQuote = errors.New("a quote is not closed")

// netrcPassword is the password of the first entry of a host that has one; "" when there is none. listed says that there is
// an entry. The entry "default" is for no host in particular, and is passed over.
func netrcPassword(content, host string) (password string, listed bool, err error) {
	words := netrcWords{rest: content}
	ours := false
	for {
		keyword, err := words.next(true)
		if err != nil || keyword == "" {
			return "", listed, err
		}
		switch keyword {
		case "default":
			ours = false
		case "macdef":
			words.skipMacro()
		case "machine", "login", "account", "password":
			value, err := words.next(false)
			switch {
			case err != nil:
				return "", listed, err
			case keyword == "machine":
				ours = strings.EqualFold(strings.TrimSuffix(value, "."), host)
				listed = listed || ours
			case keyword == "password" && ours && value != "":
				return value, true, nil
			}
		}
	}
}

// netrcWords are the words of a file from one place on.
type netrcWords struct{ rest string }

// next is the next word; "" at the end.
func (w *netrcWords) next(commented bool) (string, error) {
	w.rest = strings.TrimLeft(w.rest, " \t\r\n")
	for commented && strings.HasPrefix(w.rest, "#") {
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

// quoted reads a word in quotes, which ends on its line. A backslash stands before what is meant as it is, but for \n, \r and \t.
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

// skipMacro passes over a macro, which ends with an empty line or the file.
func (w *netrcWords) skipMacro() {
	for w.rest != "" {
		var line string
		line, w.rest, _ = strings.Cut(w.rest, "\n")
		if strings.TrimRight(line, "\r") == "" {
			return
		}
	}
}
