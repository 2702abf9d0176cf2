// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

// Package resp limits the replies of a Redis server. Redis clients allocate the length that a reply announces, and recurse into
// nested arrays, so that a few bytes from a hostile server can crash the process. This package parses replies as they arrive,
// and makes the connection fail before the client reads a reply that exceeds the limits.
//
// It supports version 2 of the protocol, which the provider and the sandbox use (redis.io: Redis serialization protocol
// specification). It does not allocate memory.
package resp

import (
	"errors"
	"net"
)

// The limits of a connection. INFO of a large server has a few hundred kilobytes.
const (
	MaxLine     = 64 << 10 // bytes of a simple string, an error or a number
	MaxBulk     = 1 << 20  // bytes of one bulk string
	MaxElements = 64 << 10 // elements of all arrays of one reply together
	MaxDepth    = 8        // nested arrays
	MaxTotal    = 8 << 20  // bytes of all replies of a connection
)

// These errors end a connection. None of them quotes the reply.
var (
	errTooLong  = errors.New("the server's reply is too long")
	errTooDeep  = errors.New("the server's reply is nested too deeply")
	errNotRedis = errors.New("the server's reply is not in the Redis protocol")
)

// Bound returns a connection whose reads fail when a reply of the Redis server exceeds the limits.
func Bound(conn net.Conn) net.Conn { return &bounded{Conn: conn} }

type bounded struct {
	net.Conn
	replies replies
	failed  error
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.failed != nil {
		return 0, b.failed
	}
	n, err := b.Conn.Read(p)
	if b.failed = b.replies.parse(p[:n]); b.failed != nil {
		_ = b.Close()
		return 0, b.failed
	}
	return n, err
}

// replies is the state of a parser for a stream of replies.
type replies struct {
	total    int  // bytes so far
	kind     byte // the first byte of the current line; 0 before it is read
	length   int  // of the current line so far
	size     int  // the length that the current line announces
	digits   int  // of size
	negative bool // size has a minus sign
	ended    bool // \r was read

	bulk     int           // remaining bytes of a bulk string, including its line end
	elements int           // announced by all arrays of this reply
	open     [MaxDepth]int // remaining elements of each open array
	depth    int           // the number of open arrays
}

func (r *replies) parse(bytes []byte) error {
	if r.total += len(bytes); r.total > MaxTotal {
		return errTooLong
	}
	for len(bytes) > 0 {
		if r.bulk > 0 {
			n := min(r.bulk, len(bytes))
			bytes = bytes[n:]
			if r.bulk -= n; r.bulk == 0 {
				r.complete()
			}
			continue
		}
		if err := r.read(bytes[0]); err != nil {
			return err
		}
		bytes = bytes[1:]
	}
	return nil
}

// read parses one byte of a line.
func (r *replies) read(c byte) error {
	switch {
	case r.kind == 0:
		switch c {
		case '+', '-', ':', '$', '*':
			r.kind, r.length, r.size, r.digits, r.negative, r.ended = c, 0, 0, 0, false, false
			return nil
		}
		return errNotRedis
	case r.ended && c == '\n':
		return r.endLine()
	case r.ended || c == '\n': // a line must end with \r\n
		return errNotRedis
	case c == '\r':
		r.ended = true
		return nil
	}
	if r.length++; r.length > MaxLine {
		return errTooLong
	}
	if r.kind != '$' && r.kind != '*' {
		return nil
	}
	switch {
	case c == '-' && r.length == 1:
		r.negative = true
	case c < '0' || c > '9':
		return errNotRedis
	default:
		r.digits++
		if r.size = 10*r.size + int(c-'0'); r.size > MaxBulk {
			return errTooLong
		}
	}
	return nil
}

func (r *replies) endLine() error {
	kind := r.kind
	r.kind = 0
	if kind != '$' && kind != '*' {
		r.complete()
		return nil
	}
	switch {
	case r.digits == 0 || r.negative && r.size != 1:
		return errNotRedis
	case r.negative: // -1 is a null reply
		r.complete()
	case kind == '$':
		r.bulk = r.size + 2
	case r.size == 0:
		r.complete()
	default:
		return r.openArray(r.size)
	}
	return nil
}

func (r *replies) openArray(n int) error {
	if r.elements += n; r.elements > MaxElements {
		return errTooLong
	}
	if r.depth == MaxDepth {
		return errTooDeep
	}
	r.open[r.depth] = n
	r.depth++
	return nil
}

// complete counts a complete value as an element of its array, and closes arrays that are complete.
func (r *replies) complete() {
	for r.depth > 0 {
		if r.open[r.depth-1]--; r.open[r.depth-1] > 0 {
			return
		}
		r.depth--
	}
	r.elements = 0
}
