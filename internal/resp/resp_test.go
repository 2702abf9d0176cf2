// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package resp

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
)

func TestFollow(t *testing.T) {
	t.Parallel()
	bulk := func(n int) string { return "$" + strconv.Itoa(n) + "\r\n" + strings.Repeat("x", n) + "\r\n" }
	for name, test := range map[string]struct {
		text string
		want error
	}{
		"a simple string":                   {"+OK\r\n", nil},
		"an error, a number, nothing":       {"-ERR no\r\n:-1\r\n$-1\r\n*-1\r\n*0\r\n$0\r\n\r\n", nil},
		"a bulk string with line ends":      {"$8\r\na\r\n*9\r\nb\r\n+OK\r\n", nil},
		"the longest bulk string":           {bulk(MaxBulk) + "+OK\r\n", nil},
		"a longer one":                      {"$1048577\r\n", errTooLong},
		"a length beyond every integer":     {"$99999999999999999999999999999999\r\n", errTooLong},
		"the greatest 64-bit length":        {"*9223372036854775807\r\n", errTooLong},
		"a negative length":                 {"$-2\r\n", errNotRedis},
		"a long negative length":            {"*-2147483648\r\n", errTooLong},
		"no length":                         {"$\r\n", errNotRedis},
		"a length with a sign":              {"$+5\r\n", errNotRedis},
		"a length that is text":             {"*abc\r\n", errNotRedis},
		"the longest array":                 {"*65536\r\n" + strings.Repeat(":1\r\n", MaxElements) + "+OK\r\n", nil},
		"a longer one of two":               {"*2\r\n*32768\r\n" + strings.Repeat(":1\r\n", 32768) + "*32767\r\n", errTooLong},
		"the next reply counts anew":        {strings.Repeat("*60000\r\n"+strings.Repeat(":1\r\n", 60000), 2), nil},
		"the deepest nesting":               {strings.Repeat("*1\r\n", MaxDepth) + ":1\r\n" + strings.Repeat("*1\r\n", MaxDepth) + ":1\r\n", nil},
		"a deeper one":                      {strings.Repeat("*1\r\n", MaxDepth+1), errTooDeep},
		"arrays side by side":               {"*9\r\n" + strings.Repeat("*1\r\n:1\r\n", 9), nil},
		"a line without an end":             {"+" + strings.Repeat("x", MaxLine+1), errTooLong},
		"more than a connection lets":       {strings.Repeat(bulk(MaxBulk), 9), errTooLong},
		"a map of version 3":                {"%1\r\n", errNotRedis},
		"an attribute of version 3":         {"|1\r\n", errNotRedis},
		"a web page":                        {"HTTP/1.1 200 OK\r\n", errNotRedis},
		"a line that ends with \\n":         {"+OK\n", errNotRedis},
		"a carriage return within a line":   {"+O\rK\r\n", errNotRedis},
		"what follows a reply that ends so": {"+OK\r\n\r\n", errNotRedis},
	} {
		for _, step := range []int{1, 7, len(test.text)} {
			var r replies
			var err error
			for rest := []byte(test.text); len(rest) > 0 && err == nil; {
				n := min(step, len(rest))
				err = r.parse(rest[:n])
				rest = rest[n:]
			}
			if !errors.Is(err, test.want) {
				t.Errorf("%s, in steps of %d: %v, want %v", name, step, err, test.want)
			}
			if err == nil && (r.depth != 0 || r.bulk != 0 || r.kind != 0) {
				t.Errorf("%s: it is not at its end", name)
			}
		}
	}
}

// The client reads nothing of a reply that exceeds the limits, and nothing after it.
func TestBound(t *testing.T) {
	t.Parallel()
	server, client := net.Pipe()
	go func() {
		_, _ = io.WriteString(server, "+OK\r\n")
		_, _ = io.WriteString(server, "$2147483647\r\n")
		_, _ = io.WriteString(server, "+never\r\n")
	}()
	conn := Bound(client)
	first := make([]byte, 64)
	n, err := conn.Read(first)
	if err != nil || string(first[:n]) != "+OK\r\n" {
		t.Errorf("%q, %v", first[:n], err)
	}
	rest, err := io.ReadAll(conn)
	if !errors.Is(err, errTooLong) || len(rest) != 0 || !errors.Is(conn.(*bounded).failed, errTooLong) {
		t.Errorf("%q, %v", rest, err)
	}
	if _, err := server.Write([]byte("x")); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("the connection is open: %v", err)
	}
}

func TestFollow_allocatesNothing(t *testing.T) {
	text := bytes.Repeat([]byte("*3\r\n$1000\r\n"+strings.Repeat("x", 1000)+"\r\n:1\r\n+OK\r\n"), 10)
	if n := testing.AllocsPerRun(10, func() {
		var r replies
		if err := r.parse(text); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
