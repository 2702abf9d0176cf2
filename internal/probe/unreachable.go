// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/redis/go-redis/v9"
)

// Reason says how far one gets towards a store.
type Reason string

const (
	ReasonDNS         Reason = "dns"         // the name of its host is not known here
	ReasonRefused     Reason = "refused"     // its address takes no connections from here
	ReasonTimeout     Reason = "timeout"     // no answer in time, as from inside a Private Space
	ReasonTLS         Reason = "tls"         // a connection, but none with TLS or none with a trusted certificate
	ReasonCertificate Reason = "certificate" // another key than the one that is known; the password was not sent
	ReasonCleartext   Reason = "cleartext"   // only without TLS; the password was not sent
	ReasonAuth        Reason = "auth"        // a server that refuses the user
	ReasonProtocol    Reason = "protocol"    // an answer that is none of a store that works
)

// Unreachable is the error of a store that cannot be reached or asked from here. It may be all right for others: a
// store in a Private Space answers the dynos of its space only.
type Unreachable struct {
	Reason Reason
	Detail string // half a sentence, without anything of the URL
}

func (u *Unreachable) Error() string { return "the store cannot be reached: " + u.Detail }

func unreachable(reason Reason, detail string) *Unreachable { return &Unreachable{reason, detail} }

func isReason(err error, reason Reason) bool {
	var u *Unreachable
	return errors.As(err, &u) && u.Reason == reason
}

const unknownHost = "the name of its host is not known here"

// neverResolves: names under .invalid are not looked up (RFC 6761, section 6.4); some resolvers take seconds to say so.
func neverResolves(host string) bool {
	return strings.HasSuffix(strings.TrimSuffix(strings.ToLower(host), "."), ".invalid")
}

func dialFailure(err error) error {
	var name *net.DNSError
	var network net.Error
	switch {
	case errors.As(err, &name):
		return unreachable(ReasonDNS, unknownHost)
	case errors.As(err, &network) && network.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return unreachable(ReasonTimeout, "it did not answer in time")
	case errors.Is(err, syscall.ECONNREFUSED):
		return unreachable(ReasonRefused, "nothing listens at its address")
	}
	return unreachable(ReasonRefused, "its address takes no connections from here")
}

func handshakeFailure(err error) error {
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.Is(err, errOtherKey):
		return unreachable(ReasonCertificate,
			"its certificate has another key than the one that was seen first, so that the password was not sent")
	case errors.As(err, &certificate):
		return unreachable(ReasonTLS, "its certificate is not trusted here")
	}
	return unreachable(ReasonTLS, "the server does not speak TLS there, or ended the connection; its URL may have to begin with redis://")
}

// saidBy is the answer of a server that refuses a command; empty when something else went wrong, or nothing. It may repeat
// a password, so it is compared but never shown.
func saidBy(err error) string {
	var answer redis.Error
	if errors.As(err, &answer) && !errors.Is(err, redis.Nil) && !strings.HasPrefix(answer.Error(), "redis: ") {
		return answer.Error()
	}
	return ""
}

// refusedAnswer judges what came instead of the answer to a command.
func refusedAnswer(err error, notAllowed string) error {
	said, _, _ := strings.Cut(saidBy(err), " ")
	switch said {
	case "NOAUTH":
		return unreachable(ReasonAuth, "the server wants a password, and the URL has none")
	case "NOPERM", "WRONGPASS":
		return unreachable(ReasonAuth, notAllowed)
	case "LOADING":
		return unreachable(ReasonProtocol, "the server is reading its data and does not answer yet")
	case "":
		var network net.Error
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &network) {
			return unreachable(ReasonProtocol, "the server ended the connection, as one does that wants TLS or whose connections are all taken")
		}
		return unreachable(ReasonProtocol, "what answers there is neither Redis nor Valkey")
	}
	return unreachable(ReasonProtocol, "the server answered with an error")
}
