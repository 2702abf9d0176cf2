// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package changecontrol

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var moment = time.Date(2026, 1, 14, 9, 12, 30, 250e6, time.UTC)

// recording returns a Control that keeps a record in a file.
func recording(path string) *Control {
	c, _ := New(Config{Reference: "CHG0000001", AppliesTo: "all"})
	c.KeepRecord(path, Author{
		Run:   &Run{System: "github_actions", ID: "7"},
		Actor: func(context.Context) string { return "ops@acme.example" },
		Now:   func() time.Time { return moment },
	})
	return c
}

func newPath(t *testing.T) string { return filepath.Join(t.TempDir(), "kvs-changes.jsonl") }

// withTestChange returns a context whose writes belong to a change.
func withTestChange(ctx context.Context) context.Context {
	return WithChange(ctx, Change{
		Object:   Object{Kind: "kvs_instance", ID: "7c4e", Name: "acme-cache", App: "orders-api", Space: "acme-prod"},
		Networks: []Network{NetworkShield},
	}, map[string]any{"method": "plan_in_place", "restarts": []string{"a<b>"}})
}

var testWrite = Write{Method: "PATCH", Path: "/addons/7c4e", Try: 1}

func announce(t *testing.T, c *Control) func(Answer) {
	t.Helper()
	answered, err := c.Announce(withTestChange(t.Context()), testWrite)
	if err != nil {
		t.Fatal(err)
	}
	return answered
}

func content(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// expectRecord checks that a record is valid, and has this many lines.
func expectRecord(t *testing.T, path string, lines, unanswered int) Verification {
	t.Helper()
	text := content(t, path)
	v := Verify(text)
	if !v.Valid || v.Lines != lines || len(v.Unanswered) != unanswered {
		t.Errorf("valid %t (broken at %d), %d lines, %d unanswered; want %d and %d:\n%s", v.Valid, v.FirstBroken,
			v.Lines, len(v.Unanswered),
			lines, unanswered, text)
	}
	return v
}

func TestRecord_lines(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	c := recording(path)
	answered := announce(t, c)
	expectRecord(t, path, 1, 1)
	answered(Answer{Event: EventAnswered, Status: 200, RequestID: "0c6f"})
	announce(t, c)(Answer{Event: EventLost})
	announce(t, c)(Answer{Event: EventUnsent})
	expectRecord(t, path, 6, 0)

	var got []map[string]any
	for line := range bytes.Lines(content(t, path)) {
		var l map[string]any
		if err := json.Unmarshal(line, &l); err != nil {
			t.Fatal(err)
		}
		got = append(got, l)
	}
	for i, want := range []struct {
		event           string
		answers, status any
	}{
		{"intent", 0., nil}, {"answered", 1., 200.}, {"intent", 0., nil}, {"lost", 3., nil}, {"intent", 0., nil}, {"unsent", 5., nil},
	} {
		l := got[i]
		if l["seq"] != float64(i+1) || l["event"] != want.event || l["answers"] != want.answers || l["status"] != want.status {
			t.Errorf("line %d: %v, want %v", i+1, l, want)
		}
		delete(l, "seq")
		delete(l, "previous")
		delete(l, "hash")
	}
	const answer = `{"actor":"ops@acme.example","answers":1,"emergency":false,"event":"answered",` +
		`"impact":{"method":"plan_in_place","restarts":["a\u003cb\u003e"]},"method":"PATCH",` +
		`"object":{"app":"orders-api","id":"7c4e","kind":"kvs_instance","name":"acme-cache","space":"acme-prod"},"path":"/addons/7c4e",` +
		`"reference":"CHG0000001","request_id":"0c6f","run":{"id":"7","system":"github_actions"},"status":200,"time":"2026-01-14T09:12:30.250Z","try":1}`
	if text, err := json.Marshal(got[1]); err != nil || string(text) != answer {
		t.Errorf("an answer is\n%s\nwant\n%s", text, answer)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("others can read the record: %v %v", info.Mode(), err)
	}
}

// A write whose context names no change is not sent, and writes that are not governed leave no line in the record.
func TestRecord_onlyOfWhatIsGoverned(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	c, _ := New(Config{})
	c.KeepRecord(path, Author{})
	if _, err := c.Announce(t.Context(), testWrite); !errors.Is(err, ErrUndeclared) {
		t.Errorf("a write that nobody has declared: %v", err)
	}
	answered, err := c.Announce(WithChange(t.Context(), Change{Networks: []Network{NetworkCommon}}, nil), testWrite)
	if err != nil {
		t.Fatal(err)
	}
	answered(Answer{Event: EventAnswered, Status: 200})

	shielded := WithChange(t.Context(), Change{Networks: []Network{NetworkShield}}, nil)
	var none *Control
	recordless, _ := New(Config{})
	for _, c := range []*Control{none, recordless} {
		answered, err := c.Announce(shielded, testWrite)
		if err != nil || c.Unwritten(t.Context()) != nil {
			t.Fatal(err)
		}
		answered(Answer{Event: EventAnswered, Status: 200})
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a record was begun: %v", err)
	}
}

func TestRecord_whatCannotBeOne(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		make func(t *testing.T, path string) error
		want string
	}{
		"a directory": {func(_ *testing.T, path string) error { return os.Mkdir(path, 0o700) }, "is a directory: write the path of a file"},
		"a symbolic link": {func(t *testing.T, path string) error {
			target := filepath.Join(t.TempDir(), "target")
			return errors.Join(os.WriteFile(target, nil, 0o600), os.Symlink(target, path))
		}, "is a symbolic link"},
		"a symbolic link to nowhere": {func(_ *testing.T, path string) error { return os.Symlink("nowhere", path) }, "is a symbolic link"},
		"a read-only file":           {func(_ *testing.T, path string) error { return os.WriteFile(path, nil, 0o400) }, "is read-only"},
		"another file": {func(_ *testing.T, path string) error { return os.WriteFile(path, []byte("resource {}\n"), 0o600) },
			"does not end in a line of a change record"},
		"another file of one line": {func(_ *testing.T, path string) error { return os.WriteFile(path, []byte("hello"), 0o600) },
			"does not end in a line of a change record"},
		"an empty line": {func(_ *testing.T, path string) error { return os.WriteFile(path, []byte("\n"), 0o600) },
			"does not end in a line of a change record"},
		"in a file": {func(_ *testing.T, path string) error { return os.WriteFile(filepath.Dir(path), nil, 0o600) },
			"cannot be written"},
		"in no directory": {func(*testing.T, string) error { return nil }, "cannot be written"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := newPath(t)
			if strings.HasPrefix(name, "in ") {
				path = filepath.Join(path, "deeper")
			}
			if err := test.make(t, path); err != nil {
				t.Fatal(err)
			}
			before, _ := os.ReadFile(path)
			if err := CheckRecord(path); err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("the check says %v, want %q", err, test.want)
			}
			if _, err := recording(path).Announce(withTestChange(t.Context()), testWrite); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("a write is announced: %v, want %q", err, test.want)
			}
			if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
				t.Errorf("the file became %q", after)
			}
		})
	}
}

func TestCheckRecord_leavesNothing(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	for range 2 {
		if err := CheckRecord(path); err != nil {
			t.Fatal(err)
		}
		if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) > 0 {
			t.Errorf("it leaves %v %v", entries, err)
		}
	}
	announce(t, recording(path))(Answer{Event: EventLost})
	if err := CheckRecord(path); err != nil {
		t.Error(err)
	}
	expectRecord(t, path, 2, 0)
}

// A record that ends in an incomplete line can be continued, and keeps the incomplete line.
func TestRecord_tornLine(t *testing.T) {
	t.Parallel()
	first := newPath(t)
	announce(t, recording(first))(Answer{Event: EventAnswered, Status: 201})
	text := content(t, first)
	second := bytes.IndexByte(text, '\n') + 1
	for cut := second + 1; cut < len(text); cut++ {
		path := filepath.Join(t.TempDir(), "record")
		if err := os.WriteFile(path, text[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		whole := cut == len(text)-1
		if v := Verify(text[:cut]); v.Valid != whole || whole && len(v.Unanswered) != 0 || !whole &&
			(v.FirstBroken != 2 || len(v.Unanswered) != 1 || v.Lines != 2) {
			t.Fatalf("cut after %d bytes: %+v", cut, v)
		}
		if cut > second+40 && cut < len(text)-3 {
			continue // the middle of the line gives nothing new
		}
		if err := CheckRecord(path); err != nil {
			t.Fatalf("cut after %d bytes: %v", cut, err)
		}
		announce(t, recording(path))(Answer{Event: EventAnswered, Status: 202})
		lines := bytes.Split(content(t, path), []byte("\n"))
		if whole {
			expectRecord(t, path, 4, 0)
			continue
		}
		expectRecord(t, path, 4, 1)
		if torn, err := parseLine(lines[1]); err != nil || torn.Event != EventTorn || torn.Removed != string(text[second:cut]) ||
			torn.Object.Kind != "" {
			t.Fatalf("cut after %d bytes: %v %+v", cut, err, torn)
		}
	}

	begin := newPath(t) // the first line is incomplete
	if err := os.WriteFile(begin, text[:20], 0o600); err != nil {
		t.Fatal(err)
	}
	announce(t, recording(begin))(Answer{Event: EventLost})
	expectRecord(t, begin, 3, 0)
}

// A line may be longer than the block that is read from the end of a record at first.
func TestRecord_longLines(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	c := recording(path)
	for i := range 3 {
		ctx := WithChange(t.Context(), Change{Networks: []Network{NetworkShield}}, strings.Repeat("x", 200_000*i))
		answered, err := c.Announce(ctx, testWrite)
		if err != nil {
			t.Fatal(err)
		}
		answered(Answer{Event: EventAnswered, Status: 200})
	}
	expectRecord(t, path, 6, 0)
}

// A result that cannot be recorded does not fail its write. It is recorded later, and until then no other write is sent.
func TestRecord_answerThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	c := recording(path)
	announce(t, c)(Answer{Event: EventAnswered, Status: 200})
	answered := announce(t, c)
	aside := path + ".aside"
	if err := errors.Join(os.Rename(path, aside), os.Mkdir(path, 0o700)); err != nil {
		t.Fatal(err)
	}
	answered(Answer{Event: EventAnswered, Status: 201, RequestID: "0c6f"})
	const missing = "PATCH /addons/7c4e of kvs_instance acme-cache: answered with status 201, request 0c6f"
	if err := c.Unwritten(t.Context()); err == nil || !strings.Contains(err.Error(), missing) ||
		!strings.Contains(err.Error(), "is a directory") {
		t.Errorf("what is not written: %v", err)
	}
	if _, err := c.Announce(withTestChange(t.Context()), testWrite); err == nil || !strings.Contains(err.Error(), "is not recorded yet") {
		t.Errorf("the next write: %v", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := c.Unwritten(t.Context()); err == nil { // a result does not create a new file
		t.Error("the answer is in a record without its intent")
	}
	if err := os.Rename(aside, path); err != nil {
		t.Fatal(err)
	}
	expectRecord(t, path, 3, 1)
	if err := c.Unwritten(t.Context()); err != nil {
		t.Error(err)
	}
	expectRecord(t, path, 4, 0)
	announce(t, c)(Answer{Event: EventLost})
	expectRecord(t, path, 6, 0)
}

// One process can make several writes concurrently.
func TestRecord_parallel(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	c := recording(path)
	const writers, each = 8, 5
	failed := make(chan error, writers)
	for range writers {
		go func() {
			for range each {
				answered, err := c.Announce(withTestChange(t.Context()), testWrite)
				if err != nil {
					failed <- err
					return
				}
				answered(Answer{Event: EventAnswered, Status: 200})
			}
			failed <- nil
		}()
	}
	for range writers {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
	expectRecord(t, path, 2*writers*each, 0)
}

func TestRecord_impactThatIsNone(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	ctx := WithChange(t.Context(), Change{Networks: []Network{NetworkShield}}, func() {})
	if _, err := recording(path).Announce(ctx, testWrite); err == nil || !strings.Contains(err.Error(), "impact") {
		t.Errorf("the impact is a function: %v", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Error("there is a record")
	}
}

// The wait for the lock ends when its context is cancelled.
func TestRecord_locked(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	f, err := lockRecord(t.Context(), path, os.O_CREATE)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(withTestChange(t.Context()))
	cancel(fmt.Errorf("interrupted"))
	if _, err := recording(path).Announce(ctx, testWrite); err == nil || !strings.Contains(err.Error(), "interrupted") {
		t.Errorf("a wait for the lock: %v", err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	announce(t, recording(path))(Answer{Event: EventLost})
	expectRecord(t, path, 2, 0)
}
