// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/probe"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/replacement"
)

// tlsStore is a store on this machine whose certificate can change. It counts connections and passwords.
type tlsStore struct {
	URL         string
	connections atomic.Int64
	inside      *fakeServer
	certificate atomic.Pointer[tls.Certificate]
}

func startTLSStore(t *testing.T, infos ...string) *tlsStore {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &tlsStore{
		URL:    fmt.Sprintf("rediss://h:%s@%s", canary, listener.Addr()),
		inside: &fakeServer{Commands: map[string]string{"AUTH": "+OK\r\n"}},
	}
	s.renew(t)
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			s.connections.Add(1)
			serving.Go(func() {
				defer func() { _ = conn.Close() }()
				s.inside.serve(tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{*s.certificate.Load()},
					MinVersion: tls.VersionTLS12}), infos)
			})
		}
	})
	t.Cleanup(func() { _ = listener.Close(); serving.Wait() })
	return s
}

// renew gives it a certificate with another key, as of somebody who is in between.
func (s *tlsStore) renew(t *testing.T) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	s.certificate.Store(&tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key})
}

// private is the private state of one resource.
type private map[string][]byte

func (p private) GetKey(_ context.Context, key string) ([]byte, diag.Diagnostics) { return p[key], nil }

func (p private) SetKey(_ context.Context, key string, value []byte) diag.Diagnostics {
	p[key] = value
	return nil
}

// inRun is a connection of one run of the provider to the Heroku of another.
func (c *connection) inRun(probing string) *connection {
	return &connection{client: c.client, probing: probing, certificates: newCertificates(probing)}
}

func unreachableBecause(err error) (probe.Reason, string) {
	var away *probe.Unreachable
	if errors.As(err, &away) {
		return away.Reason, away.Detail
	}
	return "", ""
}

// Whoever takes the place of a store within a run, or between two of them, does not get the password.
func TestCertificates(t *testing.T) {
	t.Parallel()
	server := startTLSStore(t, keys(5, 0))
	api := storesAt(t, instantClock{}, map[heroku.AddOnID]string{oldStore: server.URL})
	state := private{}

	first := api.inRun(probeOn)
	for range 2 {
		if _, err := first.probeStore(t.Context(), oldStore); err != nil {
			t.Fatal(err)
		}
	}
	if diags := first.certificates.save(t.Context(), oldStore, state); diags.HasError() || len(state[certificateKey]) == 0 {
		t.Fatalf("nothing is kept: %v", diags)
	}
	if _, address, _ := strings.Cut(server.URL, "@"); strings.Contains(string(state[certificateKey]), address) {
		t.Errorf("the private state has the address: %s", state[certificateKey])
	}

	server.renew(t)
	before := server.inside.Looks.Load()
	expectRefused := func(when string, c *connection) {
		t.Helper()
		_, err := c.probeStore(t.Context(), oldStore)
		if reason, detail := unreachableBecause(err); reason != probe.ReasonCertificate ||
			!strings.Contains(detail, "password was not sent") || !strings.Contains(detail, probeAnyNew) {
			t.Errorf("%s: %v", when, err)
		}
	}
	expectRefused("in the same run", first)
	second := api.inRun(probeOn)
	if diags := second.certificates.load(t.Context(), oldStore, state); diags.HasError() {
		t.Fatal(diags)
	}
	expectRefused("in the next run", second)
	label := "Key-Value Store orders-cache"
	expectDiagnostics(t, second.proveRoom(t.Context(), oldStore, label, "premium-0", false),
		"Error: The store could not be verified to fit into the smaller plan | another key than the one that was seen first")
	expectDiagnostics(t, second.proveRoom(t.Context(), oldStore, label, "premium-0", true),
		"Warning: The store could not be verified to fit into the smaller plan | another key than the one that was seen first")
	if looks := server.inside.Looks.Load() - before; looks != 0 {
		t.Errorf("the server was asked %d times", looks)
	}

	accepting := api.inRun(probeAnyNew)
	_ = accepting.certificates.load(t.Context(), oldStore, state)
	if _, err := accepting.probeStore(t.Context(), oldStore); err != nil {
		t.Errorf("when a new certificate is accepted: %v", err)
	}
	_ = accepting.certificates.save(t.Context(), oldStore, state)
	third := api.inRun(probeOn)
	_ = third.certificates.load(t.Context(), oldStore, state)
	if _, err := third.probeStore(t.Context(), oldStore); err != nil {
		t.Errorf("after it was accepted: %v", err)
	}
	server.renew(t)
	expectRefused("even while new ones are accepted, within one run", accepting)
}

// A store that Heroku has moved has another address, and its certificate is another one for that reason.
func TestCertificates_ofAStoreThatWasMoved(t *testing.T) {
	t.Parallel()
	before, after := startTLSStore(t, keys(5, 0)), startTLSStore(t, keys(5, 0))
	urls := map[heroku.AddOnID]string{oldStore: before.URL}
	c := storesAt(t, instantClock{}, urls).inRun(probeOn)
	if _, err := c.probeStore(t.Context(), oldStore); err != nil {
		t.Fatal(err)
	}
	moved := storesAt(t, instantClock{}, map[heroku.AddOnID]string{oldStore: after.URL})
	c.client = moved.client
	if _, err := c.probeStore(t.Context(), oldStore); err != nil {
		t.Error(err)
	}
}

// What a private state has is not trusted to be well formed.
func TestCertificates_privateStateThatIsNone(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "null", "{", `"x"`, `{"address":1}`, `{}`} {
		c := newCertificates(probeOn)
		if diags := c.load(t.Context(), oldStore, private{certificateKey: []byte(text)}); len(diags) != 0 || len(c.keys) != 0 {
			t.Errorf("%q: %v, %v", text, diags, c.keys)
		}
	}
}

// With probe = "off" nothing is connected to, whatever would be proven by it.
func TestProbeOff(t *testing.T) {
	t.Parallel()
	source, copied := startTLSStore(t, keys(5, 0)), startTLSStore(t, keys(5, 0))
	c := storesAt(t, instantClock{}, map[heroku.AddOnID]string{oldStore: source.URL, newStore: copied.URL}).inRun(probeOff)
	const why = `probe = "off"`
	label := "Key-Value Store orders-cache"
	expectDiagnostics(t, c.proveRoom(t.Context(), oldStore, label, "premium-0", false),
		"Error: The store could not be verified to fit into the smaller plan | "+why)
	for _, external := range []bool{true, false} {
		severity := map[bool]string{true: "Error", false: "Warning"}[external]
		expectDiagnostics(t, c.proveSource(t.Context(), heroku.Secret(source.URL), path.Root("fork"), external, "premium-0", false),
			severity+": The source of the fork could not be verified | "+why)
	}
	if got, said, err := c.replacements().VerifyCopy(t.Context(), oldStore,
		newStore); got != replacement.Inconclusive || err != nil || !strings.Contains(said, why) {
		t.Errorf("a copy: %d %q %v", got, said, err)
	}
	if got, said, err := c.verifyCopyOf(t.Context(), heroku.Secret(source.URL),
		newStore); got != replacement.Inconclusive || err != nil || !strings.Contains(said, why) {
		t.Errorf("a copy of a server elsewhere: %d %q %v", got, said, err)
	}
	_, err := (&usageDataSource{*c}).usageOf(t.Context(), &heroku.Store{ResourceURL: heroku.Secret(source.URL)})
	if reason, _ := unreachableBecause(err); reason != probeOff {
		t.Errorf("usage: %v", err)
	}
	if n := source.connections.Load() + copied.connections.Load(); n != 0 {
		t.Errorf("%d connections", n)
	}
}

// A URL of the Data API is judged like one that a person writes: by its host, and without TLS it is used for this machine only.
func TestLookAt_urlsOfTheDataAPI(t *testing.T) {
	t.Parallel()
	c := storesAt(t, instantClock{}, nil).inRun(probeOn)
	for url, want := range map[string]probe.Reason{
		"redis://h:" + canary + "@ec2-203-0-113-40.compute-1.amazonaws.com:6379": probe.ReasonCleartext,
		"redis://h:" + canary + "@203.0.113.40:6379":                             probe.ReasonCleartext,
	} {
		_, err := c.probeServer(t.Context(), heroku.Secret(url), false)
		if reason, detail := unreachableBecause(err); reason != want || !strings.Contains(detail, "redis://") {
			t.Errorf("%v, want %s", err, want)
		}
		expectDiagnostics(t, storesAt(t, instantClock{}, map[heroku.AddOnID]string{oldStore: url}).inRun(probeOn).proveRoom(t.Context(), oldStore, "Key-Value Store orders-cache", "premium-0", false),
			"Error: The store could not be verified to fit into the smaller plan | without encryption")
	}
}
