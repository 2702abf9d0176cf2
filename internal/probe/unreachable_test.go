// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package probe_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/probe"
)

// connection is the server's side of a connection.
type connection struct {
	net.Conn
	*bufio.Reader
}

func (c connection) Read(b []byte) (int, error) { return c.Reader.Read(b) }
func (c connection) untilClosed()               { _, _ = io.Copy(io.Discard, c) }
func (c connection) say(text string)            { _, _ = io.WriteString(c.Conn, text) }

// command reads a command as clients send it, "*1\r\n$4\r\nINFO\r\n". It returns nil at the end.
func (c connection) command() []string {
	line, _ := c.ReadString('\n')
	count, _ := strconv.Atoi(strings.TrimSpace(strings.TrimPrefix(line, "*")))
	var words []string
	for range count {
		_, _ = c.ReadString('\n')
		word, _ := c.ReadString('\n')
		words = append(words, strings.TrimSpace(word))
	}
	return words
}

// listen serves each connection until the test ends, and returns the address.
func listen(t *testing.T, serve func(connection)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
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
				serve(connection{conn, bufio.NewReader(conn)})
			})
		}
	})
	t.Cleanup(func() { _ = listener.Close(); serving.Wait() })
	return listener.Addr().String()
}

// answering returns a server with these replies, by the first word of a command.
func answering(answers map[string]string) func(connection) {
	return func(conn connection) {
		for words := conn.command(); len(words) > 0; words = conn.command() {
			answer, known := answers[strings.ToUpper(words[0])]
			if !known {
				answer = "-ERR unknown command '" + strings.Join(words, "', with args beginning with: '") + "'\r\n"
			}
			conn.say(answer)
		}
	}
}

func bulk(text string) string { return fmt.Sprintf("$%d\r\n%s\r\n", len(text), text) }

func reason(err error) probe.Reason {
	var u *probe.Unreachable
	if errors.As(err, &u) {
		return u.Reason
	}
	return ""
}

// Every URL contains these canaries, and the servers repeat what they receive.
const (
	canaryUser     = "canary-user-271828"
	canaryPassword = "canary-password-314159"
	canaryHost     = "canary-host-161803"
)

func TestLook_unreachable(t *testing.T) {
	t.Parallel()
	closed := listen(t, func(connection) {})
	nobody, _ := net.Listen("tcp", "127.0.0.1:0")
	refused := nobody.Addr().String()
	_ = nobody.Close()
	dialFails := func(err error) func(context.Context, string, string) (net.Conn, error) {
		return func(_ context.Context, network, addr string) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial " + addr, Net: network, Err: err}
		}
	}

	for name, test := range map[string]struct {
		scheme  string // redis unless given
		address string
		serve   func(connection) // if set, the address is that of this server
		options probe.Options
		reason  probe.Reason
		says    string
	}{
		"a name that nobody has": {address: canaryHost + ".invalid:6380", reason: probe.ReasonDNS, says: "name of its host"},
		"a name that the resolver denies": {address: canaryHost + ".example:6380", reason: probe.ReasonDNS, says: "name of its host",
			options: probe.Options{Cleartext: true, Dial: dialFails(&net.DNSError{Err: "no such host", Name: canaryHost, IsNotFound: true})}},
		"nothing listens": {address: refused, reason: probe.ReasonRefused, says: "nothing listens"},
		"no route": {address: canaryHost + ":6380", reason: probe.ReasonRefused, says: "takes no connections",
			options: probe.Options{Cleartext: true, Dial: dialFails(errors.New("no route"))}},
		"no answer": {serve: connection.untilClosed, reason: probe.ReasonTimeout, says: "did not answer in time",
			options: probe.Options{Timeout: 50 * time.Millisecond}},
		"no answer to TLS": {scheme: "rediss", serve: connection.untilClosed, reason: probe.ReasonTimeout, says: "did not answer in time",
			options: probe.Options{Timeout: 50 * time.Millisecond}},
		"no TLS there": {scheme: "rediss", serve: func(c connection) { c.say("-ERR no\r\n"); c.untilClosed() }, reason: probe.ReasonTLS,
			says: "does not speak TLS"},
		"ended within TLS": {scheme: "rediss", address: closed, reason: probe.ReasonTLS, says: "ended the connection"},
		"ended at once":    {address: closed, reason: probe.ReasonProtocol, says: "ended the connection"},
		"a web page": {serve: func(c connection) { c.say("HTTP/1.1 400 Bad Request\r\n\r\n" + canaryPassword); c.untilClosed() },
			reason: probe.ReasonProtocol, says: "neither Redis nor Valkey"},
		"no free place": {serve: func(c connection) { c.say("-ERR max number of clients reached\r\n") }, reason: probe.ReasonProtocol,
			says: "connections are all taken"},
		"a wrong password": {serve: answering(map[string]string{"AUTH": "-WRONGPASS invalid username-password pair or user is disabled.\r\n"}),
			reason: probe.ReasonAuth, says: "refuses the user name or the password"},
		"AUTH is unknown": {serve: answering(nil), reason: probe.ReasonAuth, says: "refuses the user name or the password"},
		"INFO is forbidden": {
			serve:  answering(map[string]string{"AUTH": "+OK\r\n", "INFO": "-NOPERM this user has no permissions to run the 'info' command\r\n"}),
			reason: probe.ReasonAuth, says: "may not run INFO"},
		"a password wanted": {serve: answering(map[string]string{"AUTH": "+OK\r\n", "INFO": "-NOAUTH Authentication required.\r\n"}),
			reason: probe.ReasonAuth, says: "wants a password"},
		"reading its data": {
			serve:  answering(map[string]string{"AUTH": "+OK\r\n", "INFO": "-LOADING Redis is loading the dataset in memory\r\n"}),
			reason: probe.ReasonProtocol, says: "reading its data"},
		"an error page": {
			serve:  answering(map[string]string{"AUTH": "+OK\r\n", "INFO": "-ERR backend " + canaryHost + " of " + canaryPassword + " is gone\r\n"}),
			reason: probe.ReasonProtocol, says: "answered with an error"},
		"INFO is a number": {serve: answering(map[string]string{"AUTH": "+OK\r\n", "INFO": "*1\r\n:1\r\n"}), reason: probe.ReasonProtocol,
			says: "neither Redis nor Valkey"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := test.address
			if test.serve != nil {
				address = listen(t, test.serve)
			}
			scheme := "redis"
			if test.scheme != "" {
				scheme = test.scheme
			}
			report, err := probe.Look(t.Context(), scheme+"://"+canaryUser+":"+canaryPassword+"@"+address, test.options)
			if reason(err) != test.reason || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%q: %v; want %q, and that it says %q", reason(err), err, test.reason, test.says)
			}
			if report.Version != "" || report.Keys != nil {
				t.Errorf("with an error it reports %+v", report)
			}
			expectNoCanary(t, address, err, report)
		})
	}
}

// The sandbox's certificate is self-signed, and its servers refuse wrong passwords.
func TestLook_realRefusals(t *testing.T) {
	t.Parallel()
	_, storeURL := premium(t)
	if _, err := probe.Look(t.Context(), storeURL, probe.Options{}); reason(err) != probe.ReasonTLS ||
		!strings.Contains(err.Error(), "certificate is not trusted") {
		t.Errorf("a self-signed certificate: %v", err)
	}
	_, address, _ := strings.Cut(storeURL, "@")
	for name, test := range map[string]struct {
		url    string
		reason probe.Reason
	}{
		"a wrong password":     {"rediss://:" + canaryPassword + "@" + address, probe.ReasonAuth},
		"a wrong user":         {"rediss://" + canaryUser + ":" + canaryPassword + "@" + address, probe.ReasonAuth},
		"no password":          {"rediss://" + address, probe.ReasonAuth},
		"no TLS where it must": {"redis://:" + canaryPassword + "@" + address, probe.ReasonProtocol},
	} {
		_, err := probe.Look(t.Context(), test.url, probe.Options{InsecureTLS: true})
		if reason(err) != test.reason {
			t.Errorf("%s: %v, want %s", name, err, test.reason)
		}
		expectNoCanary(t, address, err, probe.Report{})
	}
}

func TestLook_noURL(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"", "canary-host-161803", "http://" + canaryUser + ":" + canaryPassword + "@" + canaryHost, "unix://" + canaryUser + ":" +
			canaryPassword + "@/" + canaryHost,
		"redis://" + canaryUser + ":" + canaryPassword + "%zz@" + canaryHost, "redis://:" + canaryPassword + "@" + canaryHost + ":port",
		"redis://:" + canaryPassword + "@" + canaryHost + "/database",
	} {
		_, err := probe.Look(t.Context(), url, probe.Options{})
		if err == nil || reason(err) != "" || !strings.Contains(err.Error(), "the URL cannot be read") {
			t.Errorf("%v", err)
		}
		expectNoCanary(t, canaryHost, err, probe.Report{})
	}
}

func TestLook_report(t *testing.T) {
	t.Parallel()
	const valkey = "# Server\r\nredis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:7.2.8\r\n# Replication\r\nrole:slave\r\n" +
		"# Stats\r\nevicted_keys:12\r\n# Memory\r\nused_memory:1048576\r\nmaxmemory_policy:allkeys-lru\r\n" +
		"# Keyspace\r\ndb0:keys=9000000000,expires=1,avg_ttl=0\r\ndb12:keys=2,expires=0,avg_ttl=0,subexpiry=0\r\ndbx:keys=1\r\ndb3:keys=many\r\n"
	address := listen(t, answering(map[string]string{"HELLO": "-ERR unknown command\r\n", "AUTH": "+OK\r\n", "INFO": bulk(valkey)}))
	got, err := probe.Look(t.Context(), "redis://"+canaryUser+":"+canaryPassword+"@"+address, probe.Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := "{TLS:false Server:valkey Version:7.2.8 Role:replica UsedMemory:1048576 PeakMemory:0 MaxMemory:0 ConnectedClients:0 " +
		"MaxClients:0 " +
		"EvictionPolicy:allkeys-lru EvictedKeys:12 Hits:0 Misses:0 Keys:map[0:9000000000 12:2] Expiring:map[0:1] CanFork:false}"
	if fmt.Sprintf("%+v", got) != want {
		t.Errorf("got  %+v\nwant %s", got, want)
	}
	expectNoCanary(t, address, nil, got)
}

// logged collects what go-redis logs in all tests.
var logged = func() *record {
	r := new(record)
	redis.SetLogger(r)
	return r
}()

type record struct {
	mu   sync.Mutex
	text strings.Builder
}

func (r *record) Printf(_ context.Context, format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintf(&r.text, format+"\n", args...)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

// This is the positive control: a client that dials by itself logs its errors, and the record has them.
func TestLook_logIsSeen(t *testing.T) {
	t.Parallel()
	client := redis.NewClient(&redis.Options{MaxRetries: -1, DialerRetries: 1,
		Dialer: func(context.Context, string, string) (net.Conn, error) {
			return nil, errors.New("no way to control-141421")
		}})
	defer func() { _ = client.Close() }()
	_ = client.Ping(t.Context()).Err()
	if !strings.Contains(logged.String(), "control-141421") {
		t.Errorf("the log is not seen: %q", logged.String())
	}
}

// expectNoCanary checks that the canary and the address are in none of the printed forms.
func expectNoCanary(t *testing.T, address string, err error, report probe.Report) {
	t.Helper()
	var printed strings.Builder
	for e := err; e != nil; e = errors.Unwrap(e) {
		fmt.Fprintf(&printed, "%v %+v %#v %q ", e, e, e, e)
	}
	fmt.Fprintf(&printed, "%v %+v %#v %s", report, report, report, logged)
	for _, secret := range []string{"canary", address} {
		if strings.Contains(printed.String(), secret) {
			t.Errorf("%q is in what can be printed: %s", secret, printed.String())
		}
	}
	// The positive control: go-redis prints both.
	if control := fmt.Sprintf("%+v", &redis.Options{Addr: address, Password: canaryPassword}); !strings.Contains(control, "canary") ||
		!strings.Contains(control, address) {
		t.Errorf("the canary would not be seen: %s", control)
	}
}
