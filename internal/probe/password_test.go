// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package probe_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/probe"
)

// These tests check to which servers the password is sent.

// selfSigned returns a certificate like those of Heroku's stores.
func selfSigned(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return renewed(t, key, 1)
}

// renewed returns a certificate for the key.
func renewed(t *testing.T, key *ecdsa.PrivateKey, serial int64) tls.Certificate {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// eavesdropper is a server that replies like a store, and counts the passwords that it gets. It uses TLS if it has a certificate.
type eavesdropper struct {
	certificate *tls.Certificate
	passwords   atomic.Int64
}

// dial connects to the server, whatever the address.
func (e *eavesdropper) dial(context.Context, string, string) (net.Conn, error) {
	server, client := net.Pipe()
	go func() {
		defer func() { _ = server.Close() }()
		conn := server
		if e.certificate != nil {
			conn = tls.Server(server, &tls.Config{Certificates: []tls.Certificate{*e.certificate}, MinVersion: tls.VersionTLS12})
		}
		in := connection{conn, bufio.NewReader(conn)}
		for words := in.command(); len(words) > 0; words = in.command() {
			switch strings.ToUpper(words[0]) {
			case "AUTH":
				e.passwords.Add(1)
				in.say("+OK\r\n")
			case "INFO":
				in.say(bulk("redis_version:7.0.15\r\n"))
			default:
				in.say("-ERR unknown command\r\n")
			}
		}
	}()
	return client, nil
}

func TestLook_sendsThePasswordToWhomItKnows(t *testing.T) {
	t.Parallel()
	const herokus = "ec2-203-0-113-40.compute-1.amazonaws.com:6380"
	no := func(string) bool { return false }
	for name, test := range map[string]struct {
		url     string
		options probe.Options
		reason  probe.Reason // empty if the password is sent
	}{
		"a store of Heroku's": {"rediss://h:secret@" + herokus, probe.Options{InsecureTLS: true}, ""},
		"its key is known": {"rediss://h:secret@" + herokus,
			probe.Options{InsecureTLS: true, Accept: func(key string) bool { return len(key) == 64 }}, ""},
		"its key is another one": {"rediss://h:secret@" + herokus, probe.Options{InsecureTLS: true, Accept: no},
			probe.ReasonCertificate},
		"a host that is none of Heroku's": {"rediss://h:secret@store.example.com:6380", probe.Options{InsecureTLS: true},
			probe.ReasonTLS},
		"such a host, whose key is known": {"rediss://h:secret@store.example.com:6380",
			probe.Options{InsecureTLS: true, Accept: func(string) bool { return true }}, probe.ReasonTLS},
		"a host that looks like Heroku's": {"rediss://h:secret@ec2-203-0-113-40.compute-1.amazonaws.com.example.com",
			probe.Options{InsecureTLS: true}, probe.ReasonTLS},
		"a store of Heroku's without TLS":               {"redis://h:secret@" + herokus, probe.Options{InsecureTLS: true}, probe.ReasonCleartext},
		"another host without TLS":                      {"redis://h:secret@store.example.com", probe.Options{}, probe.ReasonCleartext},
		"another host without TLS, as somebody wants":   {"redis://h:secret@store.example.com", probe.Options{Cleartext: true}, ""},
		"this machine without TLS":                      {"redis://h:secret@127.0.0.1:6379", probe.Options{}, ""},
		"this machine by its name, without TLS":         {"redis://h:secret@localhost", probe.Options{}, ""},
		"this machine by its IPv6 address, without TLS": {"redis://h:secret@[::1]:6379", probe.Options{}, ""},
		"a host that begins like this machine's name":   {"redis://h:secret@localhost.example.com", probe.Options{}, probe.ReasonCleartext},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := &eavesdropper{}
			if strings.HasPrefix(test.url, "rediss://") {
				certificate := selfSigned(t)
				server.certificate = &certificate
			}
			test.options.Dial = server.dial
			_, err := probe.Look(t.Context(), test.url, test.options)
			if reason(err) != test.reason || err != nil && reason(err) == "" {
				t.Errorf("%v, want %q", err, test.reason)
			}
			if sent := server.passwords.Load(); (sent > 0) != (test.reason == "") {
				t.Errorf("the password was sent %d times", sent)
			}
		})
	}
}

// A certificate that is renewed with the same key has the same fingerprint.
func TestLook_knowsAServerByItsKey(t *testing.T) {
	t.Parallel()
	one := selfSigned(t)
	key, _ := one.PrivateKey.(*ecdsa.PrivateKey)
	again := renewed(t, key, 2)
	other := selfSigned(t)
	var seen []string
	for _, certificate := range []tls.Certificate{one, again, other} {
		server := &eavesdropper{certificate: &certificate}
		_, err := probe.Look(t.Context(), "rediss://h:secret@127.0.0.1", probe.Options{
			InsecureTLS: true, Dial: server.dial, Accept: func(key string) bool { seen = append(seen, key); return true },
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(seen) != 3 || seen[0] != seen[1] || seen[1] == seen[2] {
		t.Errorf("keys %v", seen)
	}
}
