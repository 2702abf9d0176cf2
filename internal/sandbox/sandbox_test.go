// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// world is a client of a sandbox whose clock stands still.
type world struct {
	*sandbox.Sandbox
	t     *testing.T
	token string
}

// epoch is the time of the clock at the start of every test.
var epoch = time.Date(2026, 1, 14, 9, 0, 0, 0, time.UTC)

func start(t *testing.T, change ...func(*sandbox.Options)) world {
	t.Helper()
	o := sandbox.Options{Engine: "miniredis", Clock: sandbox.NewClock(epoch), Seed: 1}
	for _, c := range change {
		c(&o)
	}
	s, err := sandbox.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	return world{Sandbox: s, t: t, token: s.Token()}
}

// as returns the same world with another API token.
func (w world) as(token string) world { w.token = token; return w }

type answer struct {
	t      *testing.T
	status int
	header http.Header
	body   string
}

// send sends a request such as "POST /apps" with a body, and with headers such as "Range: id ..; max=2". "Accept:" removes a default
// header.
func (w world) send(line, body string, headers ...string) answer {
	w.t.Helper()
	a, err := w.try(line, body, headers...)
	if err != nil {
		w.t.Fatalf("%s: %v", line, err)
	}
	return a
}

func (w world) try(line, body string, headers ...string) (answer, error) {
	return w.tryHost(line, body, "", headers...)
}

// tryHost sends a request with another Host header.
func (w world) tryHost(line, body, host string, headers ...string) (answer, error) {
	method, path, _ := strings.Cut(line, " ")
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.URL()+path, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	r.Header.Set("Accept", "application/vnd.heroku+json; version=3")
	r.Header.Set("Authorization", "Bearer "+w.token)
	r.Header.Set("User-Agent", "sandbox-test")
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ":")
		r.Header.Del(name)
		if value = strings.TrimSpace(value); value != "" {
			r.Header.Set(name, value)
		}
	}
	r.Host = host
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return answer{w.t, resp.StatusCode, resp.Header, string(text)}, err
}

// is checks the status of the response.
func (a answer) is(status int) answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("status %d, want %d: %s", a.status, status, a.body)
	}
	return a
}

// says checks the text of one member of the response, by its path: "plan.name", "0.version", "length".
func (a answer) says(path, want string) answer {
	a.t.Helper()
	if got := a.get(path); got != want {
		a.t.Fatalf("%s = %q, want %q in %s", path, got, want, a.body)
	}
	return a
}

// get returns a member as text: strings without quotes, everything else as JSON, and "" if it is missing.
func (a answer) get(path string) string {
	a.t.Helper()
	var v any
	if err := json.Unmarshal([]byte(a.body), &v); err != nil {
		a.t.Fatalf("%v in %q", err, a.body)
	}
	for step := range strings.SplitSeq(path, ".") {
		switch node := v.(type) {
		case []any:
			if step == "length" {
				return strconv.Itoa(len(node))
			}
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(node) {
				return ""
			}
			v = node[i]
		case map[string]any:
			member, ok := node[step]
			if !ok {
				return ""
			}
			v = member
		default:
			return ""
		}
	}
	if s, ok := v.(string); ok {
		return s
	}
	raw, _ := json.Marshal(v)
	return string(raw)
}

// exchange is a request and its expected response: the status, and members by their path, such as "0.name=web.1".
type exchange struct {
	line, body string
	status     int
	says       []string
}

func (w world) exchange(exchanges ...exchange) {
	w.t.Helper()
	for _, e := range exchanges {
		a := w.send(e.line, e.body)
		if a.status != e.status {
			w.t.Errorf("%s %s: status %d, want %d: %s", e.line, e.body, a.status, e.status, a.body)
			continue
		}
		for _, member := range e.says {
			path, want, _ := strings.Cut(member, "=")
			if got := a.get(path); got != want {
				w.t.Errorf("%s %s: %s = %q, want %q in %s", e.line, e.body, path, got, want, a.body)
			}
		}
	}
}

// advance moves the clock beyond the default durations of the sandbox.
func (w world) advance() { w.Clock().Advance(10 * time.Second) }

// app creates an app in the first team.
func (w world) app(name string) {
	w.t.Helper()
	w.send("POST /teams/apps", fmt.Sprintf(`{"name":%q,"team":%q}`, name, w.Team())).is(201)
}

// store creates a store on an app, and waits until it is provisioned.
func (w world) store(app, name, plan string) {
	w.t.Helper()
	w.send("POST /apps/"+app+"/addons", fmt.Sprintf(`{"plan":"heroku-redis:%s","name":%q}`, plan, name)).is(201)
	w.advance()
	w.send("GET /addons/"+name, "").is(200).says("state", "provisioned")
}

// redis connects to the store whose URL an app has in a config var.
func (w world) redis(app, configVar string) *redis.Client {
	w.t.Helper()
	url := w.send("GET /apps/"+app+"/config-vars", "").is(200).get(configVar)
	o, err := redis.ParseURL(url)
	if err != nil {
		w.t.Fatalf("%s of %s: %v", configVar, app, err)
	}
	o.TLSConfig = &tls.Config{InsecureSkipVerify: true} // self-signed, as Heroku's
	o.MaxRetries = -1
	c := redis.NewClient(o)
	w.t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestStart_listensOnLoopbackOnly(t *testing.T) {
	t.Parallel()
	for _, addr := range []string{"0.0.0.0:0", "192.0.2.1:0", ":0", "example.com:0", "127.0.0.1"} {
		s, err := sandbox.Start(t.Context(), sandbox.Options{Addr: addr, Engine: "miniredis"})
		if err == nil {
			t.Errorf("%s was accepted", addr)
			_ = s.Close()
		}
	}
}

func TestClose_canBeCalledTwiceAndEndsWhatHangs(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.Inject(sandbox.Fault{Match: sandbox.Match{Path: "/account"}, Do: sandbox.Effect{Hang: true}})
	hanging := make(chan error)
	go func() {
		_, err := w.try("GET /account", "")
		hanging <- err
	}()
	for len(w.Journal()) == 0 { // until it has arrived
		if t.Context().Err() != nil {
			t.Fatal("the request never arrived")
		}
		runtime.Gosched()
	}
	for range 2 {
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := <-hanging; err == nil {
		t.Error("a hanging request was answered")
	}
	if _, err := w.try("GET /account", ""); err == nil {
		t.Error("a closed sandbox answers")
	}
}

func TestWorld_startsWithTwoTeamsAnAdminAndAMember(t *testing.T) {
	t.Parallel()
	w := start(t, func(o *sandbox.Options) { o.Team = "acme" })
	w.send("GET /teams", "", "Range: name ..").is(200).says("length", "2").says("0.name", "acme").says("1.name", "acme-data").
		says("0.role", "admin").says("0.type", "enterprise").says("0.default", "true").says("1.default", "false")
	w.send("GET /enterprise-accounts/acme/teams", "").is(200).says("length", "2")
	w.send("GET /account", "").is(200).says("email", "admin@acme.example").says("default_team.name", "acme")
	w.send("GET /users/~", "").is(200).says("email", "admin@acme.example")
	w.send("GET /teams/acme-data/members", "").is(200).says("length", "2").says("0.role", "admin").says("1.email", "member@acme.example")
	w.send("GET /apps", "").is(200).says("length", "0")
	w.send("GET /teams/nobody", "").is(404).says("id", "not_found")

	member := w.as(w.MemberToken())
	member.send("GET /teams/acme", "").is(200).says("role", "member")
	member.send("PUT /teams/acme/members", `{"email":"member@acme.example","role":"admin"}`).is(403).says("id", "forbidden")
	w.send("PUT /teams/acme/members", `{"email":"member@acme.example","role":"admin"}`).is(200).says("role", "admin")
	w.send("POST /teams/acme/members", `{"email":"new@acme.example","role":"viewer"}`).is(201).says("user.email", "new@acme.example")
	w.send("PATCH /teams/acme/members", `{"email":"stranger@acme.example","role":"viewer"}`).is(404)
	w.send("DELETE /teams/acme/members/new@acme.example", "").is(200)
	w.send("GET /teams/acme/members", "").is(200).says("length", "2")
}

func TestSeed_givesTheSameNamesToTheSameRequests(t *testing.T) {
	t.Parallel()
	var bodies [2]string
	for i := range bodies {
		w := start(t)
		w.app("orders-api")
		bodies[i] = w.send("POST /apps/orders-api/addons", `{"plan":"heroku-redis:mini"}`).is(201).body
	}
	if bodies[0] != bodies[1] {
		t.Errorf("two sandboxes of one seed differ:\n%s\n%s", bodies[0], bodies[1])
	}
}

// persistent is a sandbox on a data directory, for tests that restart it.
func persistent(t *testing.T, dir, engine string) world {
	t.Helper()
	return start(t, func(o *sandbox.Options) { o.DataDir, o.Engine, o.Clock = dir, engine, sandbox.NewClock(epoch) })
}

// certificate returns the certificate of the server whose URL a config var has.
func (w world) certificate(app, name string) []byte {
	w.t.Helper()
	at, err := url.Parse(w.urlOf(app, name))
	if err != nil {
		w.t.Fatal(err)
	}
	dialer := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}
	connection, err := dialer.DialContext(context.WithoutCancel(w.t.Context()), "tcp", at.Host)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = connection.Close() }()
	return connection.(*tls.Conn).ConnectionState().PeerCertificates[0].Raw
}

func TestDataDir_aSecondStartContinues(t *testing.T) {
	t.Parallel()
	for _, engine := range []string{"miniredis", "redis"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			ctx, dir := context.WithoutCancel(t.Context()), t.TempDir()
			w := persistent(t, dir, engine)
			w.app("orders-api")
			w.store("orders-api", "kept", "premium-0")
			w.send("POST /apps/orders-api/addons", `{"plan":"heroku-redis:mini","name":"pending"}`).is(201)
			if err := w.redis("orders-api", "REDIS_URL").Set(ctx, "greeting", "hello", 0).Err(); err != nil {
				t.Fatal(err)
			}
			before, certificate := w.send("GET /apps/orders-api", "").body, w.certificate("orders-api", "REDIS_URL")
			url := w.send("GET /apps/orders-api/config-vars", "").get("REDIS_URL")
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}

			w2 := persistent(t, dir, engine)
			if w2.Token() != w.Token() {
				t.Error("the token of the data directory is not accepted any more")
			}
			if after := w2.send("GET /apps/orders-api", "").is(200).body; after != before {
				t.Errorf("the app is another one: %s, was %s", after, before)
			}
			w2.send("GET /apps/orders-api/config-vars", "").says("REDIS_URL", url)
			if got, err := w2.redis("orders-api", "REDIS_URL").Get(ctx, "greeting").Result(); got != "hello" {
				t.Errorf("the key is %q, %v", got, err)
			}
			if !bytes.Equal(w2.certificate("orders-api", "REDIS_URL"), certificate) {
				t.Error("clients that remember the certificate meet another one")
			}
			w2.send("GET /addons/pending", "").says("state", "provisioning")
			w2.advance()
			w2.send("GET /addons/pending", "").says("state", "provisioned")
			if l := w2.Ledger(); l.Created != 2 || l.Living != 2 {
				t.Errorf("ledger: %+v", l)
			}
		})
	}
}

// hang is a timeout after which a test fails, even on a slow machine.
const hang = 10 * time.Minute

func TestSandbox_manyClientsAtOnce(t *testing.T) {
	t.Parallel()
	w := start(t, func(o *sandbox.Options) { o.Clock, o.Provisioning = nil, 20*time.Millisecond })
	w.app("shared")
	ctx, cancel := context.WithTimeout(t.Context(), hang)
	defer cancel()
	// until polls for a member's value, in real time.
	until := func(line, path, want string) {
		poll := time.NewTicker(5 * time.Millisecond)
		defer poll.Stop()
		for {
			a, err := w.try(line, "")
			switch {
			case err != nil:
				t.Error(err)
				return
			case a.get(path) == want:
				return
			}
			select {
			case <-poll.C:
			case <-ctx.Done():
				t.Errorf("%s: %s is never %s, but %s", line, path, want, a.body)
				return
			}
		}
	}
	var clients sync.WaitGroup
	for i := range 10 {
		clients.Go(func() {
			name := fmt.Sprintf("kvs-%d", i)
			for _, step := range []struct{ line, body, wait, path, want string }{
				{"POST /apps", `{"name":"` + name + `"}`, "", "", ""},
				{"POST /apps/" + name + "/addons", `{"plan":"heroku-redis:premium-0","name":"` + name + `"}`, "GET /addons/" + name, "state",
					"provisioned"},
				{"POST /addon-attachments", `{"addon":"` + name + `","app":"shared"}`, "", "", ""},
				{"PATCH /redis/v0/databases/" + name + "/config", `{"timeout":5}`, "", "", ""},
				{"PATCH /apps/" + name + "/addons/" + name, `{"plan":"heroku-redis:premium-1"}`, "GET /redis/v0/databases/" + name, "plan",
					"premium-1"},
				{"POST /redis/v0/databases/" + name + "/credentials_rotation", `{}`, "", "", ""},
				{"DELETE /apps/" + name, "", "GET /addons/" + name, "id", "not_found"},
			} {
				if a, err := w.try(step.line, step.body); err != nil || a.status >= 300 {
					t.Errorf("%s: %d, %v: %s", step.line, a.status, err, a.body)
					return
				}
				if step.wait != "" {
					until(step.wait, step.path, step.want)
				}
			}
		})
	}
	clients.Wait()
	if l := w.Ledger(); l.Created != 10 || l.Living != 0 {
		t.Errorf("ledger: %+v", l)
	}
	w.send("GET /apps/shared/config-vars", "").is(200).says("REDIS_URL", "")
}
