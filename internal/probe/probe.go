// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

// Package probe inspects a running store over the Redis protocol: whether it can be reached, its version, its size, its
// number of keys, and whether it can be forked. It changes nothing and reads no key.
//
// A store's URL contains a password. Nothing that this package returns or prints contains any part of the URL. Errors of the
// network and of go-redis are not wrapped, because they quote addresses and responses.
//
// The password is sent only over TLS (without TLS only to the local machine, or with Options.Cleartext), and only to a server
// with a trusted certificate, or, for hosts that SelfSigned names, with a key that Options.Accept accepts. The package resp
// limits the size of replies before go-redis reads them.
package probe

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/resp"
)

// Options configure [Look].
type Options struct {
	// Timeout is for the whole call, from the DNS lookup to the last reply. 0 means 5 s.
	Timeout time.Duration
	// InsecureTLS accepts the certificates of hosts that SelfSigned names without verification, because they are self-signed.
	InsecureTLS bool
	// Accept is called with the fingerprint of the public key of a certificate that was not verified. If it returns false, the
	// password is not sent, and the error has ReasonCertificate. If nil, any key is accepted.
	Accept func(fingerprint string) bool
	// Cleartext allows to send the password without TLS to another machine. To the local machine it is always allowed.
	Cleartext bool
	// Dial opens the connection, for example from within a dyno. For a rediss:// URL, Look uses TLS on it. If nil, net.Dialer
	// is used.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

const defaultTimeout = 5 * time.Second

// Look inspects the store at a redis:// or rediss:// URL, without retries. If the store cannot be reached or refuses, the error is an
// *Unreachable with the reason. It wraps ctx's error if ctx is cancelled first. Any other error means that the URL is invalid.
func Look(ctx context.Context, url string, o Options) (Report, error) {
	url, _, _ = strings.Cut(url, "?") // the query has options of other clients, such as ssl_cert_reqs
	target, err := redis.ParseURL(url)
	if err != nil || target.Network != "tcp" {
		return Report{},
			errors.New(
				"the URL cannot be read: it begins with redis:// or rediss://, and what is not a letter or a digit in the password is percent-encoded")
	}
	limited, cancel := context.WithTimeout(ctx, cmp.Or(o.Timeout, defaultTimeout))
	defer cancel()
	report, err := look(limited, target, o)
	switch {
	case err == nil:
		return report, nil
	case ctx.Err() != nil:
		return Report{}, fmt.Errorf("looking at the store: %w", ctx.Err())
	case limited.Err() != nil && !isReason(err, ReasonDNS):
		return Report{}, unreachable(ReasonTimeout, "it did not answer in time")
	}
	return Report{}, err
}

func look(ctx context.Context, target *redis.Options, o Options) (Report, error) {
	conn, err := connect(ctx, target, o)
	if err != nil {
		return Report{}, err
	}
	// go-redis only honours deadlines; closing the connection also ends a read that has begun.
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	client := newClient(resp.Bound(conn))
	defer func() { _ = client.Close() }()
	session := client.Conn()
	defer func() { _ = session.Close() }()

	if err := logIn(ctx, session, target); err != nil {
		return Report{}, err
	}
	info, err := session.Info(ctx).Result()
	if err != nil {
		return Report{}, commandFailure(err, "the user may not run INFO")
	}
	report := readInfo(info)
	report.TLS = target.TLSConfig != nil
	report.CanFork = canFork(ctx, session)
	if err := ctx.Err(); err != nil {
		return Report{}, err
	}
	return report, nil
}

// connect opens the connection, because go-redis's pool would retry, and log errors.
func connect(ctx context.Context, target *redis.Options, o Options) (net.Conn, error) {
	host, _, err := net.SplitHostPort(target.Addr)
	if err != nil {
		return nil, unreachable(ReasonDNS, unknownHost)
	}
	dial := o.Dial
	if dial == nil {
		if neverResolves(host) {
			return nil, unreachable(ReasonDNS, unknownHost)
		}
		dial = new(net.Dialer).DialContext
	}
	if target.TLSConfig == nil && !o.Cleartext && !isLoopback(host) {
		return nil, unreachable(ReasonCleartext,
			"its URL begins with redis://, so that the password would be sent without encryption; it was not sent")
	}
	conn, err := dial(ctx, "tcp", target.Addr)
	if err != nil {
		return nil, dialFailure(err)
	}
	if target.TLSConfig == nil {
		return conn, nil
	}
	secured := tls.Client(conn, &tls.Config{
		ServerName:         host,
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: o.InsecureTLS && SelfSigned(host), //nolint:gosec // only for hosts with self-signed certificates
		VerifyConnection:   o.verifyKey,
	})
	if err := secured.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, handshakeFailure(err)
	}
	return secured, nil
}

var errUnknownKey = errors.New("the certificate has another key")

// verifyKey calls Accept for a certificate that was not verified.
func (o Options) verifyKey(state tls.ConnectionState) error {
	if !o.InsecureTLS || o.Accept == nil || len(state.VerifiedChains) > 0 {
		return nil
	}
	if len(state.PeerCertificates) == 0 || !o.Accept(fingerprint(state.PeerCertificates[0])) {
		return errUnknownKey
	}
	return nil
}

// fingerprint returns the SHA-256 of the public key, which stays the same when a certificate is renewed with the same key.
func fingerprint(certificate *x509.Certificate) string {
	sum := sha256.Sum256(certificate.RawSubjectPublicKeyInfo)
	return hex.EncodeToString(sum[:])
}

// newClient returns a client that uses only conn. It does not retry, and sends no commands of its own.
func newClient(conn net.Conn) *redis.Client {
	only := make(chan net.Conn, 1)
	only <- conn
	return redis.NewClient(&redis.Options{
		Addr: "store", // go-redis prints it in errors
		Dialer: func(context.Context, string, string) (net.Conn, error) {
			select {
			case conn := <-only:
				return conn, nil
			default:
				return nil, errors.New("the connection is used up")
			}
		},
		Protocol:                 2,
		MaxRetries:               -1,
		DialerRetries:            1,
		ReadTimeout:              -2, // Look has a timeout for the whole call
		WriteTimeout:             -2,
		PoolSize:                 1,
		DisableIdentity:          true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
}

func logIn(ctx context.Context, session *redis.Conn, target *redis.Options) error {
	const wrong = "the server refuses the user name or the password"
	var err error
	switch {
	case target.Username != "":
		err = session.AuthACL(ctx, target.Username, target.Password).Err()
	case target.Password != "":
		err = session.Auth(ctx, target.Password).Err()
	}
	if serverError(err) != "" {
		return unreachable(ReasonAuth, wrong)
	}
	if err != nil {
		return commandFailure(err, wrong)
	}
	return nil
}

// canFork reports whether this user may replicate from the server, as a fork does, without starting a replication: even a
// refused SYNC or PSYNC with arguments may make a server begin a full copy (Redis 6.2 does on a malformed offset).
//
// PSYNC without arguments is safe: servers check the number of arguments first, and managed servers without PSYNC return
// "unknown command". ACL DRYRUN (Redis 7.0, Valkey) tells whether the user may run it. For older servers, and users who may
// not use ACL, REPLCONF is tried instead, which replicas send too and which is in the same ACL categories (admin, dangerous).
func canFork(ctx context.Context, session *redis.Conn) bool {
	if !strings.Contains(serverError(session.Do(ctx, "PSYNC").Err()), "wrong number of arguments") {
		return false
	}
	if user, err := session.Do(ctx, "ACL", "WHOAMI").Text(); err == nil {
		if verdict, err := session.Do(ctx, "ACL", "DRYRUN", user, "PSYNC", "?", "-1").Text(); err == nil {
			return verdict == "OK"
		}
	}
	answer, err := session.Do(ctx, "REPLCONF", "capa", "eof").Text()
	return err == nil && answer == "OK"
}
