// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

// Package probe asks a running store what it is, over the Redis protocol: whether it can be reached from here, its
// version, its size, its keys, and whether it can be forked from. It changes nothing and reads no key.
//
// A store's URL is a password. No part of one is in anything that this package returns or prints, and no error of the
// network or of go-redis is passed on, because they quote addresses and answers.
//
// The password is sent to a server that has proven itself as far as it can: over TLS (without it to this machine only, or
// where a person has written the URL), with a certificate that is verified, or, for the hosts that SelfSigned names, with a
// key that Options.Accept knows. What a server answers is bounded before go-redis sees it (package resp).
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

// Options are how a store is looked at.
type Options struct {
	// Timeout is for all of it, from the name of the host to the last answer. 0 = 5 s.
	Timeout time.Duration
	// InsecureTLS accepts a certificate of the hosts that SelfSigned names without verifying it. Heroku's are self-signed, so
	// there is nothing to verify them against.
	InsecureTLS bool
	// Accept is asked about the public key of such a certificate, by its fingerprint, before the password is sent; if it says
	// no, the password is not sent, with ReasonCertificate. nil = any key.
	Accept func(fingerprint string) bool
	// Cleartext sends the password also to a redis:// URL of another machine. To this machine it is sent in any case.
	Cleartext bool
	// Dial replaces the network, by that of a dyno for example. TLS is put around what it returns. nil = from here.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

const defaultTimeout = 5 * time.Second

// Look asks a redis:// or rediss:// URL once, without repeating anything. Its error is an *Unreachable with the reason
// when the store cannot be reached or asked, that of ctx when ctx ends first, else says that this is no URL.
func Look(ctx context.Context, url string, o Options) (Report, error) {
	url, _, _ = strings.Cut(url, "?") // options of other clients, such as ssl_cert_reqs
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
	// go-redis looks at deadlines only; a closed connection also ends a read that has begun.
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	client := clientOf(resp.Bound(conn))
	defer func() { _ = client.Close() }()
	session := client.Conn()
	defer func() { _ = session.Close() }()

	if err := logIn(ctx, session, target); err != nil {
		return Report{}, err
	}
	info, err := session.Info(ctx).Result()
	if err != nil {
		return Report{}, refusedAnswer(err, "the user may not run INFO")
	}
	report := readInfo(info)
	report.TLS = target.TLSConfig != nil
	report.CanFork = canFork(ctx, session)
	if err := ctx.Err(); err != nil {
		return Report{}, err
	}
	return report, nil
}

// connect dials by itself, because go-redis's pool repeats and logs what fails.
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
		InsecureSkipVerify: o.InsecureTLS && SelfSigned(host), //nolint:gosec // for hosts of Heroku's, whose certificates are self-signed
		VerifyConnection:   o.judge,
	})
	if err := secured.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, handshakeFailure(err)
	}
	return secured, nil
}

var errOtherKey = errors.New("the certificate has another key")

// judge has Accept decide on a certificate that nothing else is verified by.
func (o Options) judge(state tls.ConnectionState) error {
	if !o.InsecureTLS || o.Accept == nil || len(state.VerifiedChains) > 0 {
		return nil
	}
	if len(state.PeerCertificates) == 0 || !o.Accept(fingerprint(state.PeerCertificates[0])) {
		return errOtherKey
	}
	return nil
}

// fingerprint is that of the public key: a certificate that is renewed with the same key is the same server's.
func fingerprint(certificate *x509.Certificate) string {
	sum := sha256.Sum256(certificate.RawSubjectPublicKeyInfo)
	return hex.EncodeToString(sum[:])
}

// clientOf gives conn to a client that can make no other: no retries, no pool to fill, nothing said on its own account.
func clientOf(conn net.Conn) *redis.Client {
	only := make(chan net.Conn, 1)
	only <- conn
	return redis.NewClient(&redis.Options{
		Addr: "store", // what go-redis would print
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
		ReadTimeout:              -2, // Look bounds it all
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
	if saidBy(err) != "" {
		return unreachable(ReasonAuth, wrong)
	}
	if err != nil {
		return refusedAnswer(err, wrong)
	}
	return nil
}

// canFork reports whether this user may ask for replication, by which forks are made, without asking for it: even a
// refused SYNC or PSYNC with arguments may make a server begin a full copy (Redis 6.2 does on a malformed offset).
//
// PSYNC without arguments is safe: its number is checked before anything else, and managed servers that do not offer it
// say "unknown command". Whether the user may run it, ACL DRYRUN says (Redis 7.0, Valkey); a user without ACL, and an
// older server, are judged by REPLCONF, which replicas send too and which the same categories (admin, dangerous) allow.
func canFork(ctx context.Context, session *redis.Conn) bool {
	if !strings.Contains(saidBy(session.Do(ctx, "PSYNC").Err()), "wrong number of arguments") {
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
