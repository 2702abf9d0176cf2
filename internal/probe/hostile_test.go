// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package probe_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/probe"
)

// hostileAnswers generates replies of a hostile server, the same ones in each run.
type hostileAnswers struct{ *rand.Rand }

func (h hostileAnswers) pick(all ...string) string { return all[h.IntN(len(all))] }

func (h hostileAnswers) length() string {
	return h.pick("-1", "0", "1", "2", "5", "1024", "65536", "65537", "1048576", "1048577", "536870912", "2147483647", "2147483648",
		"4294967296",
		"9223372036854775807", "9223372036854775808", "99999999999999999999", "-2", "-2147483648", "-9223372036854775808", "+5", "0x10", "1e9",
		"", "abc", " 5", "5 ")
}

// reply returns a reply with up to depth nested ones. Most are malformed.
func (h hostileAnswers) reply(depth int) string {
	switch kind := h.IntN(14); {
	case kind == 0:
		return h.pick("+OK\r\n", "-ERR no\r\n", ":1\r\n", "$-1\r\n", "*-1\r\n", "_\r\n", "#t\r\n", "+OK\n", "\r\n", "+\r\n", ":\r\n")
	case kind == 1:
		return "$" + h.length() + "\r\n" + strings.Repeat("x", h.IntN(100)) + h.pick("\r\n", "", "\n")
	case kind == 2:
		text := h.pick("redis_version:7\r\n", "# Keyspace\r\ndb0:keys=9223372036854775807,expires=-1\r\n", "used_memory:-9223372036854775808\r\n",
			"maxmemory_policy:\x1b[2J\r\n")
		return fmt.Sprintf("$%d\r\n%s\r\n", len(text), text)
	case kind < 7 && depth > 0:
		var all strings.Builder
		all.WriteString(h.pick("*", "*", "%", "~", ">", "|") + h.length() + "\r\n")
		for range h.IntN(4) {
			all.WriteString(h.reply(depth - 1))
		}
		return all.String()
	case kind == 7:
		return strings.Repeat(h.pick("*1\r\n", "*2\r\n", "%1\r\n", "|1\r\n", "*65536\r\n", ">1\r\n"), h.IntN(2000))
	case kind == 8:
		return h.pick("+", "-", ":", "$", "*", "(", ",") + strings.Repeat("9", h.IntN(70000))
	case kind == 9:
		return h.pick("=", "!", "(", ",", "_", "#", "$?", "*?", "%", "~", "|", ">") + h.length() + "\r\n"
	case kind == 10:
		raw := make([]byte, h.IntN(200))
		for i := range raw {
			raw[i] = byte(h.Uint32())
		}
		return string(raw)
	case kind == 11:
		return "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"
	}
	return "+OK\r\n"
}

// dial connects to a server that replies to a few commands like a store, to the next one with a hostile reply, and then closes the
// connection.
func (h hostileAnswers) dial(context.Context, string, string) (net.Conn, error) {
	before, last := h.IntN(6), h.reply(10)
	server, client := net.Pipe()
	go func() {
		defer func() { _ = server.Close() }()
		in := connection{server, bufio.NewReader(server)}
		for n := 0; ; n++ {
			words := in.command()
			if len(words) == 0 {
				return
			}
			if n == before {
				in.say(last)
				return
			}
			switch strings.ToUpper(words[0]) {
			case "AUTH", "REPLCONF":
				in.say("+OK\r\n")
			case "INFO":
				in.say(bulk("redis_version:7.0.15\r\nused_memory:1\r\n"))
			case "PSYNC":
				in.say("-ERR wrong number of arguments\r\n")
			default:
				in.say("-ERR unknown command\r\n")
			}
		}
	}()
	return client, nil
}

// go-redis allocates the lengths that a server announces. No reply crashes the process or uses up its memory; with KVS_SOAK=1, the
// test makes 100 000 calls.
func TestLook_hostileServer(t *testing.T) {
	looks := 3000
	if os.Getenv("KVS_SOAK") != "" {
		looks = 100_000
	}
	answers := hostileAnswers{rand.New(rand.NewPCG(1, 2))}
	reasons := map[probe.Reason]int{}
	var most, before uint64
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	before = memory.HeapSys
	for n := range looks {
		report, err := probe.Look(t.Context(), "redis://h:canary-password@127.0.0.1", probe.Options{Dial: answers.dial, Timeout: time.Minute})
		if err != nil && reason(err) == "" || strings.Contains(fmt.Sprint(err, report), "canary") ||
			strings.Contains(report.EvictionPolicy, "\x1b") {
			t.Fatalf("look %d: %v %+v", n, err, report)
		}
		reasons[reason(err)]++
		if n%100 == 0 {
			runtime.ReadMemStats(&memory)
			most = max(most, memory.HeapSys)
		}
	}
	t.Logf("%d looks: %v; the heap took at most %d MiB, %d before", looks, reasons, most>>20, before>>20)
	if most > 64<<20 {
		t.Errorf("the heap took %d MiB", most>>20)
	}
	if reasons[probe.ReasonProtocol] < looks/10 || reasons[""] == 0 {
		t.Errorf("the answers are too much alike: %v", reasons)
	}
}
