// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package probe

import (
	"cmp"
	"strconv"
	"strings"
)

// Report is what a store says of itself (INFO). Servers may leave things out; a number is 0 then.
type Report struct {
	TLS     bool
	Server  string // "redis" or "valkey"; empty when the server does not say
	Version string // of the server: "7.0.15"; for Valkey its own, not the Redis version that it is compatible with
	Role    string // "primary" or "replica"

	UsedMemory int64 // bytes
	PeakMemory int64 // bytes, the most since the start
	MaxMemory  int64 // bytes; 0 = no limit

	ConnectedClients int64 // this look is one of them
	MaxClients       int64

	EvictionPolicy string // such as "noeviction"
	EvictedKeys    int64  // since the start, or since the statistics were reset, as Hits and Misses
	Hits, Misses   int64  // reads of keys that were there, and of keys that were not

	// Keys counts the keys of each database that has some, expired ones not yet removed included; nil when the server does
	// not say, empty when there are none.
	Keys map[int]int64
	// Expiring counts those of them that have an expiry; nil and empty as Keys.
	Expiring map[int]int64

	// CanFork says that this user may replicate from the server, as a fork does; false also where it cannot be told.
	CanFork bool
}

// KeyCount is the number of keys in all databases; false when the server does not say.
func (r Report) KeyCount() (int64, bool) {
	var sum int64
	for _, n := range r.Keys {
		sum += n
	}
	return sum, r.Keys != nil
}

// HitRate is the share of reads that found their key, 0 to 1; false when nothing has been read yet.
func (r Report) HitRate() (float64, bool) {
	reads := r.Hits + r.Misses
	if reads == 0 {
		return 0, false
	}
	return float64(r.Hits) / float64(reads), true
}

// readInfo reads lines such as "used_memory:1048576" and, in the section Keyspace, "db0:keys=3,expires=1,avg_ttl=0".
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
		n, _ := strconv.ParseInt(fields[name], 10, 64) // 0 = not said
		return n
	}
	r.Version = shown(cmp.Or(fields["valkey_version"], fields["redis_version"]))
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
	r.EvictionPolicy, r.EvictedKeys = shown(fields["maxmemory_policy"]), number("evicted_keys")
	r.Hits, r.Misses = number("keyspace_hits"), number("keyspace_misses")
	return r
}

// shown is a word that a server says of itself, without what would steer a terminal or fill it.
func shown(text string) string {
	const most = 40
	text = strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return -1
		}
		return r
	}, text)
	return text[:min(len(text), most)]
}

// count reads a line of the section Keyspace, and passes over all others.
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
