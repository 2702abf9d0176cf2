// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

const (
	sampleInterval = time.Minute // on the clock
	sampleTimeout  = 5 * time.Second
)

// sampleLine returns the metrics of a store as a log line (Dev Center: Heroku Key-Value Store Metrics Logs), from the server's INFO and the
// machine. It does not count the connection that reads INFO. Disk operations are always 0.
func sampleLine(info map[string]string, m machine) string {
	var b strings.Builder
	add := func(name, format string, value any) { fmt.Fprintf(&b, " sample#%s="+format, name, value) }
	add("active-connections", "%d", max(0, number(info["connected_clients"])-1))
	for i, minutes := range []int{1, 5, 15} {
		add(fmt.Sprintf("load-avg-%dm", minutes), "%s", decimal(m.Load[i]))
	}
	add("read-iops", "%d", 0)
	add("write-iops", "%d", 0)
	add("memory-total", "%dkB", m.TotalKB)
	add("memory-free", "%dkB", m.FreeKB)
	add("memory-cached", "%dkB", m.CachedKB)
	add("memory-redis", "%dbytes", number(info["used_memory"]))
	hits, misses := number(info["keyspace_hits"]), number(info["keyspace_misses"])
	rate := 1.0 // of a store that has not been read
	if hits+misses > 0 {
		rate = float64(hits) / float64(hits+misses)
	}
	add("hit-rate", "%s", decimal(rate))
	add("evicted-keys", "%d", number(info["evicted_keys"]))
	return strings.TrimSpace(b.String())
}

// idleInfo approximates the INFO of a Redis 7 server without keys and clients.
var idleInfo = map[string]string{"used_memory": "1060824"}

// decimal formats a number with at most five significant digits: 0.015762, 0.7, 1.
func decimal(f float64) string { return strconv.FormatFloat(f, 'g', 5, 64) }

// machine has the metrics of the machine that runs the servers. They are zero outside of Linux.
type machine struct {
	Load                      [3]float64
	TotalKB, FreeKB, CachedKB int64
}

func machineLoad() (m machine) {
	load, _ := os.ReadFile("/proc/loadavg") // "0.20 0.18 0.12 1/80 11206"; absent outside of Linux
	for i, text := range strings.Fields(string(load)) {
		if i < len(m.Load) {
			m.Load[i], _ = strconv.ParseFloat(text, 64)
		}
	}
	memory, _ := os.ReadFile("/proc/meminfo") // "MemTotal:  16048372 kB"
	for line := range strings.Lines(string(memory)) {
		name, rest, _ := strings.Cut(line, ":")
		kb := number(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")))
		switch name {
		case "MemTotal":
			m.TotalKB = kb
		case "MemFree":
			m.FreeKB = kb
		case "Cached":
			m.CachedKB = kb
		}
	}
	return m
}
