// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
)

// Decoding is lenient: Heroku adds fields at any time, and the same field is an object here and a string there
// (Platform API reference, body rules). Only an answer that is not the thing asked for is refused.

// decode reads one JSON object. Its errors never quote the body.
func decode[W any](body []byte) (W, error) {
	var value W
	if err := expect(body, '{', "an object"); err != nil {
		return value, err
	}
	return value, unmarshal(body, &value)
}

// wireForm is a struct with the names of the wire; value translates it, or says what is missing.
type wireForm[T any] interface{ value() (T, error) }

// one reads one object.
func decodeOne[W wireForm[T], T any](body []byte) (T, error) {
	w, err := decode[W](body)
	if err != nil {
		var none T
		return none, err
	}
	return w.value()
}

// many reads an array of objects.
func decodeMany[W wireForm[T], T any](body []byte) ([]T, error) {
	if err := expect(body, '[', "an array"); err != nil {
		return nil, err
	}
	var wires []W
	if err := unmarshal(body, &wires); err != nil {
		return nil, err
	}
	values := make([]T, 0, len(wires))
	for _, w := range wires {
		v, err := w.value()
		if err != nil {
			return nil, err
		}
		values = append(values, v)
	}
	return values, nil
}

func unmarshal(body []byte, into any) error {
	err := json.Unmarshal(body, into)
	var syntax *json.SyntaxError
	var mismatch *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &syntax) && syntax.Offset >= int64(len(bytes.TrimRight(body, " \r\n\t"))):
		return errors.New("it is JSON that ends early")
	case errors.As(err, &mismatch):
		return errors.New("a part of it has another type than documented")
	}
	return errors.New("it is not JSON")
}

// expect looks at the first character: most of what is not an answer of Heroku's differs there.
func expect(body []byte, open byte, what string) error {
	body = bytes.TrimSpace(body)
	switch {
	case len(body) == 0:
		return errors.New("it is empty")
	case body[0] == open:
		return nil
	case body[0] == '<':
		return errors.New("it is an HTML page instead of JSON")
	case string(body) == "null":
		return fmt.Errorf("it is null instead of %s", what)
	case json.Valid(body):
		return fmt.Errorf("it is JSON of another type instead of %s", what)
	}
	return errors.New("it is not JSON")
}

func missing(field string) error { return fmt.Errorf("it has no %s", field) }

// text is a string that may also come as a number, a bool, null, or something that is ignored.
type text string

func (t *text) UnmarshalJSON(b []byte) error {
	*t = ""
	switch b[0] {
	case '"':
		if plainASCII(b) { // nearly all of them
			*t = text(b[1 : len(b)-1])
			return nil
		}
		var s string
		if err := json.Unmarshal(b, &s); err != nil {
			return err
		}
		*t = text(oneLine.Replace(printable(s)))
	case '{', '[', 'n':
	default:
		*t = text(b)
	}
	return nil
}

// prose is what Heroku says, which may have more than one line.
type prose string

func (p *prose) UnmarshalJSON(b []byte) error {
	if b[0] != '"' {
		return (*text)(p).UnmarshalJSON(b)
	}
	var s string
	err := json.Unmarshal(b, &s)
	*p = prose(printable(s))
	return err
}

// oneLine keeps a name from looking like a message of somebody else's.
var oneLine = strings.NewReplacer("\n", "\uFFFD", "\t", "\uFFFD")

// plainASCII says that a JSON string has neither escapes nor other characters.
func plainASCII(b []byte) bool {
	for _, c := range b {
		if c == '\\' || c >= utf8.RuneSelf || c == 0x7f {
			return false
		}
	}
	return true
}

// printable replaces what steers a terminal, turns the direction of a text or cannot be seen: whoever reads what somebody
// else has named should see what is there. Line breaks and tabs stay.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), r == '\u2028', r == '\u2029':
			return unicode.ReplacementChar
		}
		return r
	}, strings.ReplaceAll(text, "\r\n", "\n"))
}

// Answers that contradict the question are refused: whoever asked would store them, or act on them. An object that was asked
// for by its id has to have that id, in any case of letters. What an answer leaves out contradicts nothing.

var errContradiction = errors.New("it is about another object than was asked for")

// unless refuses an answer that contradicts.
func rejectIf[T any](contradicts func(T) bool, decode func([]byte) (T, error)) func([]byte) (T, error) {
	return func(body []byte) (T, error) {
		v, err := decode(body)
		if err == nil && contradicts(v) {
			var none T
			return none, errContradiction
		}
		return v, err
	}
}

// about is for an answer about an object, or about what belongs to one.
func requireID[T any, ID ~string](asked ID, id func(T) ID, decode func([]byte) (T, error)) func([]byte) (T, error) {
	return rejectIf(func(v T) bool { return isOther(asked, id(v)) }, decode)
}

// aboutEach is for a list all of which is, or belongs to, one object. Half of it would pass for the whole.
func requireEachID[T any, ID ~string](asked ID, id func(T) ID, decode func([]byte) ([]T, error)) func([]byte) ([]T, error) {
	return rejectIf(func(all []T) bool {
		return slices.ContainsFunc(all, func(v T) bool { return isOther(asked, id(v)) })
	}, decode)
}

// named is for an object that was asked for, or ordered, by its name. An app may still answer to a former one.
func requireName[T any](asked string, name func(T) string, decode func([]byte) (T, error)) func([]byte) (T, error) {
	return rejectIf(func(v T) bool { return asked != "" && !isID(asked) && !strings.EqualFold(name(v), asked) }, decode)
}

// isOther is false when it was not asked by an id, or the answer has none.
func isOther[ID ~string](asked, got ID) bool {
	return isID(string(asked)) && got != "" && !strings.EqualFold(string(got), string(asked))
}

func isID(reference string) bool { return len(reference) == 36 && uuid.Validate(reference) == nil }

func addOnID(a AddOn) AddOnID  { return a.ID }
func addOnName(a AddOn) string { return a.Name }
func addOnApp(a AddOn) AppID   { return a.AppID }
func appID(a App) AppID        { return a.ID }
func spaceID(s Space) SpaceID  { return s.ID }
func spaceName(s Space) string { return s.Name }
func storeID(s Store) AddOnID  { return s.AddOnID }

// number is an integer that may also come as text; nil when it is neither.
type number struct{ value *int }

func (n *number) UnmarshalJSON(b []byte) error {
	var t text
	if err := t.UnmarshalJSON(b); err != nil {
		return err
	}
	n.value = parseInt(string(t))
	return nil
}

func parseInt(s string) *int {
	s = strings.TrimSpace(s)
	if i, err := strconv.Atoi(s); err == nil {
		return &i
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil && f == float64(int(f)) {
		i := int(f)
		return &i
	}
	return nil
}

// flag is a bool that may also come as text or null.
type flag bool

func (f *flag) UnmarshalJSON(b []byte) error {
	*f = flag(strings.EqualFold(strings.Trim(string(b), `"`), "true"))
	return nil
}

// ref is a reference to another object: {"id","name"}, or just its name.
type ref struct {
	ID, Name text
}

func (r *ref) UnmarshalJSON(b []byte) error {
	*r = ref{}
	if b[0] != '{' {
		return r.Name.UnmarshalJSON(b)
	}
	var object struct {
		ID   text `json:"id"`
		Name text `json:"name"`
	}
	err := json.Unmarshal(b, &object)
	*r = ref(object)
	return err
}

// names is an array of strings; what is not one counts as empty.
type names []string

func (n *names) UnmarshalJSON(b []byte) error {
	*n = nil
	if b[0] != '[' {
		return nil
	}
	var texts []text
	if err := json.Unmarshal(b, &texts); err != nil {
		return err
	}
	for _, t := range texts {
		if t != "" {
			*n = append(*n, string(t))
		}
	}
	return nil
}

// price is {"cents": 1500}; nil when Heroku gives none.
type price struct {
	Cents number `json:"cents"`
}

func (p *price) cents() *int {
	if p == nil {
		return nil
	}
	return p.Cents.value
}
