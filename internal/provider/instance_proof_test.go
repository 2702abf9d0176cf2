// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/replacement"
)

// The canary is in every URL of these tests.
const canary = "canary-314159"

const (
	oldStore = heroku.AddOnID("0ad00000-0000-4000-8000-000000000001")
	newStore = heroku.AddOnID("0ad00000-0000-4000-8000-000000000002")
)

// fakeServer answers INFO with one text after the other, the last of them for ever. A text that begins with "-" is an
// error, "silence" is none at all.
type fakeServer struct {
	URL      string
	Looks    atomic.Int64
	Commands map[string]string // other answers, by the first word of the command
}

func startFakeServer(t *testing.T, infos ...string) *fakeServer {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &fakeServer{
		URL:      fmt.Sprintf("redis://h:%s@%s", canary, listener.Addr()),
		Commands: map[string]string{"AUTH": "+OK\r\n", "PSYNC": "-ERR wrong number of arguments for 'psync' command\r\n", "REPLCONF": "+OK\r\n"},
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer func() { _ = conn.Close() }()
				defer context.AfterFunc(t.Context(), func() { _ = conn.Close() })()
				s.serve(conn, infos)
			})
		}
	})
	t.Cleanup(func() { _ = listener.Close(); serving.Wait() })
	return s
}

func (s *fakeServer) serve(conn net.Conn, infos []string) {
	commands := bufio.NewReader(conn)
	for {
		line, err := commands.ReadString('\n')
		if err != nil {
			return
		}
		words, _ := strconv.Atoi(strings.TrimSpace(strings.TrimPrefix(line, "*")))
		var first string
		for n := range words {
			_, _ = commands.ReadString('\n')
			word, _ := commands.ReadString('\n')
			if n == 0 {
				first = strings.ToUpper(strings.TrimSpace(word))
			}
		}
		answer, known := s.Commands[first]
		if first == "INFO" {
			answer, known = infos[min(int(s.Looks.Add(1)), len(infos))-1], true
			switch {
			case answer == "silence":
				_, _ = io.Copy(io.Discard, conn)
				return
			case !strings.HasPrefix(answer, "-"):
				answer = fmt.Sprintf("$%d\r\n%s\r\n", len(answer), answer)
			}
		}
		if !known {
			answer = "-ERR unknown command\r\n"
		}
		_, _ = io.WriteString(conn, answer)
	}
}

// keys is what INFO says of one database.
func keys(all, expiring int) string {
	const server = "redis_version:7.0.15\r\nused_memory:1000000\r\nconnected_clients:3\r\nmaxmemory_policy:noeviction\r\n# Keyspace\r\n"
	if all == 0 {
		return server
	}
	return server + fmt.Sprintf("db0:keys=%d,expires=%d,avg_ttl=0\r\n", all, expiring)
}

// storesAt is a connection to a Heroku whose stores have these URLs.
func storesAt(t *testing.T, clock heroku.Clock, urls map[heroku.AddOnID]string) *connection {
	t.Helper()
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := heroku.AddOnID(r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:])
		url, found := urls[id]
		if !found {
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, `{"id": "not_found", "message": "Couldn't find that store."}`)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"addon_id": id, "name": "orders-cache", "plan": "premium-1", "resource_url": url})
	}))
	t.Cleanup(api.Close)
	client, err := heroku.New(heroku.Options{APIURL: api.URL, DataAPIURL: api.URL,
		Credential: heroku.Credential{Token: "token"}, Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	return &connection{client: client}
}

// closedAt is the URL of a server that is not there.
func closedAt(t *testing.T) string {
	t.Helper()
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = nobody.Close()
	return fmt.Sprintf("redis://h:%s@%s", canary, nobody.Addr())
}

// expectNoURL looks for parts of a URL in what a person reads.
func expectNoURL(t *testing.T, said string, urls ...string) {
	t.Helper()
	for _, url := range urls {
		_, address, _ := strings.Cut(url, "@")
		if !strings.Contains(url, canary) || address == "" {
			t.Errorf("%q has nothing to look for", url)
		}
		for _, part := range []string{canary, address, "redis://h"} {
			if strings.Contains(said, part) {
				t.Errorf("%q is in: %s", part, said)
			}
		}
	}
}

func TestProveCopy(t *testing.T) {
	t.Parallel()
	const loading = "-LOADING Redis is loading the dataset in memory\r\n"
	for name, test := range map[string]struct {
		source, copied []string
		want           replacement.Verification
		looks          int64 // at the copy
		says           []string
	}{
		"as many keys prove it at once": {
			[]string{keys(1000, 200)}, []string{keys(1000, 200)}, replacement.Verified, 1,
			[]string{"The store " + string(oldStore) + " has 1000 keys, 200 of which expire. The copy " + string(newStore) + " has 1000 keys, 200 of which expire."},
		},
		"no keys are as many as no keys": {[]string{keys(0, 0)}, []string{keys(0, 0)}, replacement.Verified, 1, []string{"0 keys"}},
		"a missing key disproves it, with both counts": {
			[]string{keys(1000, 200)}, []string{keys(999, 200)}, replacement.Different, 6, []string{"has 1000 keys", "has 999 keys"},
		},
		"a copy without keys is none": {[]string{keys(1000, 1000)}, []string{keys(0, 0)},
			replacement.Different, 6, []string{"has 1000 keys", "has 0 keys"}},
		"a key that has expired is removed there first": {[]string{keys(10, 3), keys(10, 3), keys(9, 2)},
			[]string{keys(9, 2)}, replacement.Verified, 2, []string{"has 9 keys, 2 of which expire. The copy"}},
		"a key that has expired is removed here first": {[]string{keys(9, 2)},
			[]string{keys(10, 3), keys(10, 3), keys(9, 2)}, replacement.Verified, 3, []string{"has 9 keys"}},
		"a source that is written to proves nothing": {
			[]string{keys(1000, 0), keys(1001, 0), keys(1002, 0), keys(1003, 0), keys(1004, 0), keys(1005, 0),
				keys(1006, 0)}, []string{keys(990, 0)},
			replacement.Inconclusive, 6, []string{"has 1006 keys", "has 990 keys", "proves nothing"},
		},
		"one write among the looks is enough to prove nothing": {
			[]string{keys(1000, 0), keys(1000, 0), keys(1001, 0)}, []string{keys(999, 0)}, replacement.Inconclusive, 6,
			[]string{"has 1001 keys", "has 999 keys"},
		},
		"a server that does not count proves nothing": {
			[]string{"redis_version:7.0.15\r\n"}, []string{keys(5, 0)}, replacement.Inconclusive, 6,
			[]string{"has an unknown number of keys", "has 5 keys"},
		},
		"a copy that is starting is asked again": {[]string{keys(5, 0)}, []string{loading, keys(5, 0)},
			replacement.Verified, 2, []string{"has 5 keys"}},
		"a copy that does not start is given up": {
			[]string{keys(5, 0)}, []string{loading}, replacement.Inconclusive, 3,
			[]string{"The copy " + string(newStore) + " is not reachable from here: the server is reading its data"},
		},
		"one that fails to answer does not excuse what is missing": {
			[]string{keys(5, 0)}, []string{keys(4, 0), loading, keys(4, 0)}, replacement.Different, 6, []string{"has 4 keys"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source, copied := startFakeServer(t, test.source...), startFakeServer(t, test.copied...)
			c := storesAt(t, instantClock{}, map[heroku.AddOnID]string{oldStore: source.URL, newStore: copied.URL})
			got, said, err := c.replacements().VerifyCopy(t.Context(), oldStore, newStore)
			if got != test.want || err != nil {
				t.Errorf("%d %q %v, want %d", got, said, err, test.want)
			}
			for _, want := range test.says {
				if !strings.Contains(said, want) {
					t.Errorf("%q is not in %q", want, said)
				}
			}
			if looks := copied.Looks.Load(); looks != test.looks {
				t.Errorf("%d looks at the copy, want %d", looks, test.looks)
			}
			expectNoURL(t, said, source.URL, copied.URL)
		})
	}
}

func TestProveCopy_unreachable(t *testing.T) {
	t.Parallel()
	source := startFakeServer(t, keys(5, 0))
	for name, test := range map[string]struct {
		url   string
		says  string
		looks int64 // at the source
	}{
		"a private store, which nobody finds from here": {"rediss://h:" + canary + "@kvs-7c4e.acme-prod.invalid:6380",
			"the name of its host is not known here", 1},
		"a server that is gone":                          {closedAt(t), "nothing listens at its address", 3},
		"a store that Heroku has not given a server yet": {"", "it has no server yet", 3},
	} {
		t.Run(name, func(t *testing.T) {
			before := source.Looks.Load()
			c := storesAt(t, instantClock{}, map[heroku.AddOnID]string{oldStore: source.URL, newStore: test.url})
			got, said, err := c.replacements().VerifyCopy(t.Context(), oldStore, newStore)
			if want := fmt.Sprintf("The copy %s is not reachable from here: %s.", newStore,
				test.says); got != replacement.Inconclusive || err != nil || said != want {
				t.Errorf("%d %q %v, want %q", got, said, err, want)
			}
			if looks := source.Looks.Load() - before; looks != test.looks {
				t.Errorf("%d looks, want %d", looks, test.looks)
			}
			expectNoURL(t, said, source.URL)
		})
	}
	t.Run("an API that does not know the store is an error", func(t *testing.T) {
		c := storesAt(t, instantClock{}, map[heroku.AddOnID]string{oldStore: source.URL})
		if got, said, err := c.replacements().VerifyCopy(t.Context(), oldStore,
			newStore); got != replacement.Inconclusive || said != "" || !heroku.IsNotFound(err) {
			t.Errorf("%d %q %v", got, said, err)
		}
	})
}

func TestProveCopyOf(t *testing.T) {
	t.Parallel()
	source, copied := startFakeServer(t, keys(5, 1)), startFakeServer(t, keys(5, 1))
	c := storesAt(t, instantClock{}, map[heroku.AddOnID]string{newStore: copied.URL})
	got, said, err := c.verifyCopyOf(t.Context(), heroku.Secret(source.URL), newStore)
	if want := "The source has 5 keys, 1 of which expire. The copy " + string(newStore) + " has 5 keys, 1 of " +
		"which expire."; got != replacement.Verified || said != want || err != nil {
		t.Errorf("%d %q %v", got, said, err)
	}
	gone := closedAt(t)
	got, said, err = c.verifyCopyOf(t.Context(), heroku.Secret(gone), newStore)
	if got != replacement.Inconclusive || said != "The source is not reachable from here: nothing listens at its address." || err != nil {
		t.Errorf("%d %q %v", got, said, err)
	}
	expectNoURL(t, said, gone, source.URL)
}

// interruptingClock ends the run in the first pause.
type interruptingClock struct {
	instantClock
	interrupt func()
}

func (c interruptingClock) Sleep(ctx context.Context, d time.Duration) error {
	if d > 0 {
		c.interrupt()
	}
	return ctx.Err()
}

func TestProveCopy_interrupted(t *testing.T) {
	t.Parallel()
	t.Run("in a pause", func(t *testing.T) {
		t.Parallel()
		source, copied := startFakeServer(t, keys(5, 0)), startFakeServer(t, keys(4, 0))
		ctx, cancel := context.WithCancel(t.Context())
		c := storesAt(t, interruptingClock{interrupt: cancel}, map[heroku.AddOnID]string{oldStore: source.URL, newStore: copied.URL})
		if got, said, err := c.replacements().VerifyCopy(ctx, oldStore, newStore); got != replacement.Inconclusive ||
			said != "" || err == nil || copied.Looks.Load() != 1 {
			t.Errorf("%d %q %v after %d looks", got, said, err, copied.Looks.Load())
		}
	})
	t.Run("in a look", func(t *testing.T) {
		t.Parallel()
		silent := startFakeServer(t, "silence")
		ctx, cancel := context.WithCancel(t.Context())
		c := storesAt(t, instantClock{}, map[heroku.AddOnID]string{oldStore: silent.URL, newStore: silent.URL})
		defer time.AfterFunc(50*time.Millisecond, cancel).Stop()
		got, _, err := c.replacements().VerifyCopy(ctx, oldStore, newStore)
		if got != replacement.Inconclusive || !errors.Is(err, context.Canceled) {
			t.Errorf("%d %v", got, err)
		}
	})
}

// printed is what a person reads of diagnostics.
func printed(diags diag.Diagnostics) string {
	var text strings.Builder
	for _, d := range diags {
		fmt.Fprintf(&text, "%s: %s\n%s\n", d.Severity(), d.Summary(), d.Detail())
	}
	return text.String()
}

// expectDiagnostics wants one for each text; a text begins with the severity and the summary.
func expectDiagnostics(t *testing.T, got diag.Diagnostics, want ...string) {
	t.Helper()
	said := printed(got)
	if len(got) != len(want) {
		t.Errorf("%d diagnostics, want %d: %s", len(got), len(want), said)
	}
	for _, text := range want {
		head, detail, _ := strings.Cut(text, " | ")
		if !strings.Contains(said, head+"\n") || !strings.Contains(said, detail) {
			t.Errorf("%q is not in: %s", text, said)
		}
	}
}

// usage is what INFO says of 10 keys.
func usage(bytes, clients int, policy string, expiring int) string {
	return fmt.Sprintf("redis_version:7.0.15\r\nused_memory:%d\r\nconnected_clients:%d\r\nmaxmemory_policy:%s\r\n# "+
		"Keyspace\r\ndb0:keys=10,expires=%d,avg_ttl=0\r\n", bytes, clients, policy, expiring)
}

func TestProveRoom(t *testing.T) {
	t.Parallel()
	const limit, label = 50 << 20, "Key-Value Store orders-cache"
	fits := startFakeServer(t, usage(limit, 41, "noeviction", 0)).URL
	full := func(policy string) string { return startFakeServer(t, usage(limit+1000, 3, policy, 4)).URL }
	private := "rediss://h:" + canary + "@kvs-7c4e.acme-prod.invalid:6380"
	for name, test := range map[string]struct {
		url    string
		target keyvalue.PlanName
		accept bool
		want   []string
	}{
		"what fits is not spoken of; the look is no client":     {url: fits},
		"a plan that nobody has published is Heroku's to judge": {url: private, target: "premium-6"},
		"no room under noeviction": {url: full("noeviction"), want: []string{
			"Error: The store does not fit into the smaller plan | Key-Value Store orders-cache:\n  - 52429800 bytes " +
				"are used and the plan premium-0 has 52428800 (50 MB): under noeviction it would refuse all writes."}},
		"no room is not accepted by accepting what is unproven": {url: full("noeviction"), accept: true,
			want: []string{"Error: The store does not fit into the smaller plan"}},
		"an evicting policy drops bytes": {url: full("allkeys-lru"), want: []string{
			"Warning: The smaller plan drops keys | under allkeys-lru it would drop keys of 1000 bytes at once."}},
		"a volatile policy drops some keys only": {url: full("volatile-lru"), want: []string{"Warning: The smaller " +
			"plan drops keys | out of the 4 with an expiry; 6 have none"}},
		"too many clients": {url: startFakeServer(t, usage(limit, 42, "allkeys-lru", 0)).URL, want: []string{
			"Error: The store does not fit into the smaller plan | 41 clients are connected, and the plan premium-0 takes 40"}},
		"a private store": {url: private, want: []string{
			"Error: The store could not be verified to fit into the smaller plan | premium-0 (50 MB, $15.00 a month) " +
				"is not proven: the store is not reachable from here: the name of its host is not known " +
				"here.\n\nNothing has been changed. Apply from where it can be reached, or set migration = { accept_unproven = true }"}},
		"a private store, accepted": {url: private, accept: true, want: []string{
			"Warning: The store could not be verified to fit into the smaller plan | not reachable from here"}},
		"a server that says little": {url: startFakeServer(t, "redis_version:7.0.15\r\n").URL, want: []string{
			"Error: The store could not be verified to fit into the smaller plan | its server does not say how much memory it uses"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := storesAt(t, instantClock{}, map[heroku.AddOnID]string{oldStore: test.url})
			target := cmp.Or(string(test.target), "premium-0")
			got := c.proveRoom(t.Context(), oldStore, label, keyvalue.PlanName(target), test.accept)
			expectDiagnostics(t, got, test.want...)
			expectNoURL(t, printed(got), test.url)
			for _, d := range got {
				if at, ok := d.(diag.DiagnosticWithPath); !ok || !at.Path().Equal(path.Root("plan")) {
					t.Errorf("%v does not point to the plan", d)
				}
			}
		})
	}
	t.Run("a store that the API does not know", func(t *testing.T) {
		t.Parallel()
		expectDiagnostics(t, storesAt(t, instantClock{}, nil).proveRoom(t.Context(), oldStore, label, "premium-0", true),
			"Error: Unable to ask Key-Value Store how much it holds | 404 not_found")
	})
	t.Run("an interrupt", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		defer time.AfterFunc(50*time.Millisecond, cancel).Stop()
		c := storesAt(t, instantClock{}, map[heroku.AddOnID]string{oldStore: startFakeServer(t, "silence").URL})
		expectDiagnostics(t, c.proveRoom(ctx, oldStore, label, "premium-0", true),
			"Error: Unable to ask Key-Value Store how much it holds | interrupted")
	})
}

func TestProveSource(t *testing.T) {
	t.Parallel()
	const plain = "Warning: The data is copied without encryption | Use rediss://"
	refusing := func() string {
		s := startFakeServer(t, keys(5, 0))
		delete(s.Commands, "PSYNC")
		return s.URL
	}
	private := "rediss://h:" + canary + "@kvs-7c4e.acme-prod.invalid:6380"
	large := startFakeServer(t, usage(50<<20+1, 100, "allkeys-lru", 10)).URL
	for name, test := range map[string]struct {
		url      string
		internal bool
		target   keyvalue.PlanName
		accept   bool
		want     []string
	}{
		"what can be copied, without encryption": {url: startFakeServer(t, keys(5, 0)).URL, want: []string{plain}},
		"a store of Heroku's":                    {url: startFakeServer(t, keys(5, 0)).URL, internal: true},
		"a shield plan": {url: private, target: "shield-7", accept: true,
			want: []string{"Error: Heroku does not fork to shield plans | The plan shield-7"}},
		"no URL": {url: "http://h:" + canary + "@127.0.0.1:80",
			want: []string{"Error: Invalid source of a fork | does not start with redis://"}},
		"a source that does not let itself be copied": {url: refusing(), accept: true,
			want: []string{plain, "Error: The source cannot be forked | SYNC and PSYNC"}},
		"Heroku's own stores can always be copied": {url: refusing(), internal: true},
		"too large a source, whatever its policy": {url: large, accept: true,
			want: []string{plain, "Error: The source does not fit into the new store | 52428801 bytes are used, and " +
				"the plan premium-0 has 52428800"}},
		"too large a store of Heroku's": {url: large, internal: true, want: []string{"Error: The source " +
			"does not fit into the new store"}},
		"a plan that nobody published may be large": {url: large, internal: true, target: "premium-6"},
		"a source that is out of reach": {url: private, want: []string{"Error: The source of the fork " +
			"could not be verified | not reachable from here: the name of its host is not known here.\n\nNothing has been changed"}},
		"a source that is out of reach, accepted": {url: private, accept: true, want: []string{"Warning: The " +
			"source of the fork could not be verified | not reachable from here"}},
		"a private store of Heroku's": {url: private, internal: true, want: []string{"Warning: The " +
			"source of the fork could not be verified | Heroku itself reaches its stores."}},
		"a source that does not say how much it holds": {url: startFakeServer(t, "redis_version:7.0.15\r\n").URL,
			want: []string{plain, "Error: The source of the fork could not be verified | does not say how much memory"}},
		"a server that is not there": {url: closedAt(t), want: []string{plain, "Error: The source " +
			"of the fork could not be verified | nothing listens"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := storesAt(t, instantClock{}, nil)
			target := keyvalue.PlanName(cmp.Or(string(test.target), "premium-0"))
			got := c.proveSource(t.Context(), heroku.Secret(test.url), path.Root("fork"), !test.internal, target, test.accept)
			expectDiagnostics(t, got, test.want...)
			expectNoURL(t, printed(got), test.url)
			// Terraform shows the lines of an attribute that a diagnostic points to.
			for _, d := range got {
				if at, ok := d.(diag.DiagnosticWithPath); ok && !test.internal && !at.Path().Equal(path.Empty()) {
					t.Errorf("%v points to where the URL is written", d)
				}
			}
		})
	}
}
