// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

// Package resp bounds what a Redis server may answer. A client of Redis allocates the length that a reply announces and
// follows its nesting, so that a few bytes from a hostile server end the process that asked. Here replies are followed as
// they arrive, and a connection fails before the client has seen a reply that is too long.
//
// It knows version 2 of the protocol, in which the provider and the sandbox speak (redis.io: Redis serialization protocol
// specification). It allocates nothing itself.
package resp

import (
	"errors"
	"net"
)

// The most that a connection lets through. INFO of a large server is some hundred kilobytes.
const (
	MaxLine     = 64 << 10 // bytes of a simple string, an error or a number
	MaxBulk     = 1 << 20  // bytes of one bulk string
	MaxElements = 64 << 10 // of all arrays of one reply together
	MaxDepth    = 8        // arrays within arrays
	MaxTotal    = 8 << 20  // bytes of all replies of a connection
)

// Each of these ends a connection; none of them quotes what the server said.
var (
	errTooLong  = errors.New("the server's reply is too long")
	errTooDeep  = errors.New("the server's reply is nested too deeply")
	errNotRedis = errors.New("the server's reply is not in the Redis protocol")
)

// Bound makes reads of a connection to a Redis server fail where a reply exceeds the bounds.
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
	if b.failed = b.replies.follow(p[:n]); b.failed != nil {
		_ = b.Close()
		return 0, b.failed
	}
	return n, err
}

// replies is where in a stream of replies the next byte belongs.
type replies struct {
	total    int
	kind     byte // of the line that is being read; 0 at the beginning of one
	length   int  // of that line so far
	size     int  // that a line of length announces
	digits   int
	negative bool
	ended    bool // by \r

	bulk     int // bytes still to come of a bulk string, with its line end
	elements int // announced by the arrays of this reply
	open     [MaxDepth]int
	depth    int // of open that is used: how many elements are still to come in each array
}

func (r *replies) follow(bytes []byte) error {
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

// read takes one byte of a line.
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
	case r.ended || c == '\n': // a line ends with both
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
	case r.negative: // none, as -1 says
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

// complete counts a reply that has ended as an element of the arrays that it is in.
func (r *replies) complete() {
	for r.depth > 0 {
		if r.open[r.depth-1]--; r.open[r.depth-1] > 0 {
			return
		}
		r.depth--
	}
	r.elements = 0
}
