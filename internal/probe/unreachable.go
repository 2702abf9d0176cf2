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

// Reason says why a store cannot be inspected.
type Reason string

const (
	ReasonDNS         Reason = "dns"         // its host name does not resolve
	ReasonRefused     Reason = "refused"     // its address does not accept connections
	ReasonTimeout     Reason = "timeout"     // no reply in time, as of a store in a Private Space
	ReasonTLS         Reason = "tls"         // the server does not use TLS, or its certificate is not trusted
	ReasonCertificate Reason = "certificate" // Options.Accept refused the key; the password was not sent
	ReasonCleartext   Reason = "cleartext"   // the URL is without TLS; the password was not sent
	ReasonAuth        Reason = "auth"        // the server refuses the user
	ReasonProtocol    Reason = "protocol"    // the reply is not that of a working store
)

// Unreachable is the error for a store that cannot be reached or inspected from this machine. Other machines may reach it: a
// store in a Private Space accepts connections only from the dynos of its space.
type Unreachable struct {
	Reason Reason
	Detail string // a clause, without any part of the URL
}

func (u *Unreachable) Error() string { return "the store cannot be reached: " + u.Detail }

func unreachable(reason Reason, detail string) *Unreachable { return &Unreachable{reason, detail} }

func isReason(err error, reason Reason) bool {
	var u *Unreachable
	return errors.As(err, &u) && u.Reason == reason
}

const unknownHost = "the name of its host is not known here"

// neverResolves reports whether a host name is under .invalid, which never resolves (RFC 6761, section 6.4). Some resolvers take
// seconds for such a name.
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
	case errors.Is(err, errUnknownKey):
		return unreachable(ReasonCertificate,
			"its certificate has another key than the one that was seen first, so that the password was not sent")
	case errors.As(err, &certificate):
		return unreachable(ReasonTLS, "its certificate is not trusted here")
	}
	return unreachable(ReasonTLS, "the server does not speak TLS there, or ended the connection; its URL may have to begin with redis://")
}

// serverError returns the text of an error that the server has sent, and "" for other errors and nil. It may repeat a password, so
// it may be compared but never shown.
func serverError(err error) string {
	var answer redis.Error
	if errors.As(err, &answer) && !errors.Is(err, redis.Nil) && !strings.HasPrefix(answer.Error(), "redis: ") {
		return answer.Error()
	}
	return ""
}

// commandFailure returns the error for a command that failed. notAllowed is the detail if the user may not run it.
func commandFailure(err error, notAllowed string) error {
	said, _, _ := strings.Cut(serverError(err), " ")
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
