// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package changecontrol

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
)

// written returns the lines of a record, one for each letter of events: an intent, or the result of the oldest open intent.
func written(t *testing.T, events string) (lines [][]byte) {
	t.Helper()
	end := ending{head: zeroHash}
	var open []int64
	for _, c := range events {
		l := Line{
			Event: EventIntent, Time: "2026-01-14T09:12:30.250Z", Reference: fmt.Sprintf("CHG%c", c), Method: "PATCH", Path: "/addons/7c4e",
			Object: Object{Kind: "kvs_instance", Name: string(c)}, Run: &Run{System: "gitlab"}, Impact: []byte(`{"a":1}`), Actor: "\"},{\u2028\x00",
		}
		if len(open) > 0 && c%2 == 0 {
			l.Event, l.Answers, open = []Event{EventAnswered, EventLost, EventUnsent}[c%3], open[0], open[1:]
		}
		made, err := end.linesFor(l)
		if err != nil {
			t.Fatal(err)
		}
		line := bytes.TrimSuffix(made, []byte("\n"))
		if end.seq, end.head = end.seq+1, hashOf(line); l.Event == EventIntent {
			open = append(open, end.seq)
		}
		lines = append(lines, line)
	}
	return lines
}

// text joins lines to a record.
func text(lines [][]byte) []byte {
	if len(lines) == 0 {
		return nil
	}
	return append(bytes.Join(lines, []byte("\n")), '\n')
}

func TestVerify(t *testing.T) {
	t.Parallel()
	lines := written(t, "abacdd") // intent, result, intent, intent, result, result
	whole := text(lines)
	replaced := func(i int, line []byte) [][]byte {
		changed := slices.Clone(lines)
		changed[i] = line
		return changed
	}
	answerTo := func(intent int64, path string) [][]byte {
		l, err := parseLine(lines[5])
		if err != nil {
			t.Fatal(err)
		}
		l.Answers, l.Path = intent, path
		made, err := l.render()
		if err != nil {
			t.Fatal(err)
		}
		return replaced(5, made)
	}
	for name, test := range map[string]struct {
		text   []byte
		lines  int
		broken int
		open   int
	}{
		"nothing":                        {nil, 0, 0, 0},
		"as it was written":              {whole, 6, 0, 0},
		"without the last end of line":   {bytes.TrimSpace(whole), 6, 0, 0},
		"without its last line":          {text(lines[:5]), 5, 0, 1}, // valid: only Lines and Head show that a line is missing
		"without its last two lines":     {text(lines[:4]), 4, 0, 2},
		"one line alone":                 {text(lines[:1]), 1, 0, 1},
		"without its first line":         {text(lines[1:]), 5, 1, 0},
		"without a line":                 {text(slices.Concat(lines[:2], lines[3:])), 5, 3, 0},
		"two lines changed round":        {text([][]byte{lines[0], lines[2], lines[1]}), 3, 2, 1},
		"a line twice":                   {text([][]byte{lines[0], lines[0]}), 2, 2, 1},
		"the last line twice":            {text(append(slices.Clone(lines), lines[5])), 7, 7, 0},
		"with ends of line of Windows":   {bytes.ReplaceAll(whole, []byte("\n"), []byte("\r\n")), 6, 1, 0},
		"with a byte order mark":         {append([]byte("\xef\xbb\xbf"), whole...), 6, 1, 0},
		"an empty line":                  {[]byte("\n"), 1, 1, 0},
		"an empty line at the end":       {append(slices.Clone(whole), '\n'), 7, 7, 0},
		"spaces":                         {[]byte("  "), 1, 1, 0},
		"another text":                   {[]byte("resource {}\n"), 1, 1, 0},
		"JSON of another kind":           {[]byte(`{"seq":1,"event":"intent"}`), 1, 1, 0},
		"a part of the last line":        {whole[:len(whole)-10], 6, 6, 1},
		"the last line is changed":       {text(replaced(5, bytes.Replace(lines[5], []byte("PATCH"), []byte("patch"), 1))), 6, 6, 1},
		"with the hash of the last line": {text(replaced(5, bytes.ToUpper(lines[5]))), 6, 6, 1},
		"an answer to what is answered":  {text(answerTo(1, "/addons/7c4e")), 6, 6, 1},
		"an answer to an answer":         {text(answerTo(2, "/addons/7c4e")), 6, 6, 1},
		"an answer to what comes later":  {text(answerTo(9, "/addons/7c4e")), 6, 6, 1},
		"an answer about something else": {text(answerTo(4, "/addons/8d5f")), 6, 6, 1},
	} {
		v := Verify(test.text)
		if v.Valid != (test.broken == 0) || v.Lines != test.lines || v.FirstBroken != test.broken || len(v.Unanswered) != test.open {
			t.Errorf("%s: valid %t, %d lines, broken at %d, %d unanswered; want %+v", name, v.Valid, v.Lines, v.FirstBroken, len(v.Unanswered), test)
		}
		good := test.lines
		if test.broken > 0 {
			good = test.broken - 1
		}
		want := ""
		if good > 0 {
			want = hashOf(bytes.Split(test.text, []byte("\n"))[good-1])
		}
		if v.Head != want {
			t.Errorf("%s: the head is %s, want %s", name, v.Head, want)
		}
	}
	if Verify(text(lines[:5])).Head == Verify(whole).Head {
		t.Error("a record that was cut has the same head")
	}
}

// Any change of a record is found at the right line, except for the removal of the last lines, which only Head and Lines show.
func FuzzVerify(f *testing.F) {
	f.Add("ab", byte(0), uint(0), uint(0), byte(1))
	f.Add("aabbab", byte(1), uint(2), uint(1), byte(0x20))
	f.Add("abcdefgh", byte(2), uint(3), uint(5), byte(0x0a))
	f.Add("aaaa", byte(3), uint(1), uint(3), byte(0xff))
	f.Add("abab", byte(4), uint(3), uint(200), byte(3))
	f.Fuzz(func(t *testing.T, events string, kind byte, first, second uint, mask byte) {
		if len(events) == 0 || len(events) > 40 {
			return
		}
		lines := written(t, events)
		whole := Verify(text(lines))
		if !whole.Valid || whole.Lines != len(lines) {
			t.Fatalf("%q is broken at %d", events, whole.FirstBroken)
		}
		i, j := int(first%uint(len(lines))), int(second%uint(len(lines)))
		changed, broken := slices.Clone(lines), i+1
		switch kind % 5 {
		case 0: // bits are flipped
			if mask == 0 {
				return
			}
			changed[i] = bytes.Clone(lines[i])
			changed[i][second%uint(len(lines[i]))] ^= mask
		case 1: // a line is removed
			if changed = slices.Delete(changed, i, i+1); i == len(changed) {
				broken = 0
			}
		case 2: // two lines are swapped
			if i == j {
				return
			}
			changed[i], changed[j] = lines[j], lines[i]
			broken = min(i, j) + 1
		case 3: // another line is inserted
			changed = slices.Insert(changed, i, lines[j])
			if j == i {
				broken = i + 2
			}
		case 4: // the end of a line is removed
			at := int(second % uint(len(lines[i])))
			changed[i] = lines[i][:at]
			if i == len(lines)-1 && at == 0 {
				broken = i + 1 // an empty line
			}
		}
		v := Verify(text(changed))
		if v.Valid != (broken == 0) || v.FirstBroken != broken {
			t.Errorf("%q, %d of %d and %d: broken at %d, want %d", events, kind%5, i, j, v.FirstBroken, broken)
		}
		if broken == 0 && (v.Head == whole.Head || v.Lines == whole.Lines) {
			t.Errorf("%q without its last line has the same head or length", events)
		}
	})
}

// For any text, the fields of the result are consistent.
func FuzzVerifyAnyText(f *testing.F) {
	f.Add([]byte(nil))
	f.Add([]byte("\n\n"))
	f.Add([]byte(`{"seq":1,"event":"intent","hash":"` + zeroHash + `"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		v := Verify(text)
		if v.Valid != (v.FirstBroken == 0) || v.FirstBroken > v.Lines || (v.Head == "") != (v.FirstBroken == 1 || v.Lines == 0) {
			t.Errorf("%+v", v)
		}
		if v.Valid && v.Lines > 0 {
			t.Errorf("%q passes for a record", text)
		}
	})
}
