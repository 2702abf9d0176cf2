// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package probe

import (
	"cmp"
	"strconv"
	"strings"
)

// Report is what a server reports in INFO. Numbers that it does not report are 0.
type Report struct {
	TLS     bool
	Server  string // "redis" or "valkey"; empty if the server does not report it
	Version string // "7.0.15"; for Valkey its own version, not the Redis version that it is compatible with
	Role    string // "primary" or "replica"

	UsedMemory int64 // bytes
	PeakMemory int64 // bytes, since the start of the server
	MaxMemory  int64 // bytes; 0 means no limit

	ConnectedClients int64 // including the connection of this call
	MaxClients       int64

	EvictionPolicy string // such as "noeviction"
	EvictedKeys    int64  // since the statistics were reset, as are Hits and Misses
	Hits, Misses   int64  // reads of existing and of missing keys

	// Keys is the number of keys by database, including expired keys that are not removed yet. It is nil if the server does
	// not report it.
	Keys map[int]int64
	// Expiring is the number of keys with an expiry by database; it is nil if Keys is.
	Expiring map[int]int64

	// CanFork is true if this user may replicate from the server, as a fork does. It is false if that is unknown.
	CanFork bool
}

// KeyCount returns the number of keys in all databases, and false if the server does not report it.
func (r Report) KeyCount() (int64, bool) {
	var sum int64
	for _, n := range r.Keys {
		sum += n
	}
	return sum, r.Keys != nil
}

// HitRate returns the share of reads that found their key, from 0 to 1, and false if there were no reads.
func (r Report) HitRate() (float64, bool) {
	reads := r.Hits + r.Misses
	if reads == 0 {
		return 0, false
	}
	return float64(r.Hits) / float64(reads), true
}

// readInfo parses lines such as "used_memory:1048576" and, in the section Keyspace, "db0:keys=3,expires=1,avg_ttl=0".
func readInfo(info string) Report {
	fields := map[string]string{}
	var r Report
	for line := range strings.Lines(info) {
		line = strings.TrimSpace(line)
		if line == "# Keyspace" {
			r.Keys, r.Expiring = map[int]int64{}, map[int]int64{}
		}
		if name, value, found := strings.Cut(line, ":"); found {
			fields[name] = value
			r.count(name, value)
		}
	}
	number := func(name string) int64 {
		n, _ := strconv.ParseInt(fields[name], 10, 64) // 0 if it is missing
		return n
	}
	r.Version = printableWord(cmp.Or(fields["valkey_version"], fields["redis_version"]))
	switch {
	case fields["valkey_version"] != "" || fields["server_name"] == "valkey":
		r.Server = "valkey"
	case r.Version != "":
		r.Server = "redis"
	}
	switch fields["role"] {
	case "master":
		r.Role = "primary"
	case "slave", "replica":
		r.Role = "replica"
	}
	r.UsedMemory, r.PeakMemory, r.MaxMemory = number("used_memory"), number("used_memory_peak"), number("maxmemory")
	r.ConnectedClients, r.MaxClients = number("connected_clients"), number("maxclients")
	r.EvictionPolicy, r.EvictedKeys = printableWord(fields["maxmemory_policy"]), number("evicted_keys")
	r.Hits, r.Misses = number("keyspace_hits"), number("keyspace_misses")
	return r
}

// printableWord returns a word from a server without control characters and other characters than ASCII, and limits its length.
func printableWord(text string) string {
	const most = 40
	text = strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return -1
		}
		return r
	}, text)
	return text[:min(len(text), most)]
}

// count parses a line of the section Keyspace, and ignores all others.
func (r Report) count(name, value string) {
	index, isDatabase := strings.CutPrefix(name, "db")
	database, err := strconv.Atoi(index)
	if !isDatabase || err != nil || r.Keys == nil {
		return
	}
	for field := range strings.SplitSeq(value, ",") {
		kind, digits, _ := strings.Cut(field, "=")
		n, err := strconv.ParseInt(digits, 10, 64)
		switch {
		case err != nil:
		case kind == "keys":
			r.Keys[database] = n
		case kind == "expires" && n > 0:
			r.Expiring[database] = n
		}
	}
}
