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

// Decoding is lenient: Heroku adds fields at any time, and one field may be an object in some responses and a string in others
// (Platform API reference, body rules). Only a response that is not the requested object is refused.

// decode decodes one JSON object. Its errors never quote the body.
func decode[W any](body []byte) (W, error) {
	var value W
	if err := expect(body, '{', "an object"); err != nil {
		return value, err
	}
	return value, unmarshal(body, &value)
}

// wireForm is a struct in the form of Heroku's JSON. Its method value converts it, or returns an error that names a missing field.
type wireForm[T any] interface{ value() (T, error) }

// decodeOne decodes one object.
func decodeOne[W wireForm[T], T any](body []byte) (T, error) {
	w, err := decode[W](body)
	if err != nil {
		var none T
		return none, err
	}
	return w.value()
}

// decodeMany decodes an array of objects.
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

// expect returns an error that describes the body unless its first character is open. Most responses that are not Heroku's
// differ there.
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

// text is a string of one line. In JSON it may also be a number or a bool, whose text it takes; null, arrays and objects count
// as empty.
type text string

func (t *text) UnmarshalJSON(b []byte) error {
	*t = ""
	switch b[0] {
	case '"':
		if plainASCII(b) { // a shortcut for most strings
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

// prose is a text that may have more than one line, such as an error message.
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

// oneLine keeps a name with line breaks from imitating a message of Terraform.
var oneLine = strings.NewReplacer("\n", "\uFFFD", "\t", "\uFFFD")

// plainASCII reports whether a JSON string has only printable ASCII characters, and no escapes.
func plainASCII(b []byte) bool {
	for _, c := range b {
		if c == '\\' || c >= utf8.RuneSelf || c == 0x7f {
			return false
		}
	}
	return true
}

// printable replaces characters that control a terminal, change the direction of text or are invisible, since names that others
// chose are shown to users. Line breaks and tabs stay.
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

// A response about another object than the requested one is refused, because callers would store it or act on it. An object that
// was requested by its id has to have that id, in upper or lower case. Fields that are missing are not compared.

var errContradiction = errors.New("it is about another object than was asked for")

// rejectIf makes decode return errContradiction for values for which contradicts is true.
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

// requireID makes decode refuse a value whose id, or whose owner's id, is not the requested one.
func requireID[T any, ID ~string](asked ID, id func(T) ID, decode func([]byte) (T, error)) func([]byte) (T, error) {
	return rejectIf(func(v T) bool { return isOther(asked, id(v)) }, decode)
}

// requireEachID is [requireID] for a list. One wrong element refuses the whole list: without it, a part would pass for the whole.
func requireEachID[T any, ID ~string](asked ID, id func(T) ID, decode func([]byte) ([]T, error)) func([]byte) ([]T, error) {
	return rejectIf(func(all []T) bool {
		return slices.ContainsFunc(all, func(v T) bool { return isOther(asked, id(v)) })
	}, decode)
}

// requireName makes decode refuse a value with another name than the requested one. It is not for apps, which Heroku also finds
// by a former name.
func requireName[T any](asked string, name func(T) string, decode func([]byte) (T, error)) func([]byte) (T, error) {
	return rejectIf(func(v T) bool { return asked != "" && !isID(asked) && !strings.EqualFold(name(v), asked) }, decode)
}

// isOther reports whether both are ids, and differ. Heroku also takes names where it takes ids.
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

// number is an integer, which in JSON may also be a string; value is nil for anything else.
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

// flag is a bool, which in JSON may also be a string or null.
type flag bool

func (f *flag) UnmarshalJSON(b []byte) error {
	*f = flag(strings.EqualFold(strings.Trim(string(b), `"`), "true"))
	return nil
}

// ref is a reference to another object: {"id": …, "name": …}, or just the name.
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

// names is an array of strings; anything else counts as empty.
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

// price is {"cents": 1500}; a nil price is unknown.
type price struct {
	Cents number `json:"cents"`
}

func (p *price) cents() *int {
	if p == nil {
		return nil
	}
	return p.Cents.value
}
