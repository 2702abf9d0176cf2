// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

// Command testsummary makes `go test -json` readable. On stderr it prints a line for each package as it finishes,
// every failure in full, every skipped test with its reason, and now and then what a long run is busy with. On
// stdout it prints nothing but the counts: "412 passed, 0 failed, 0 skipped". It exits with 1 when anything
// failed or did not finish.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"time"
)

func main() {
	tick := time.NewTicker(30 * time.Second)
	defer tick.Stop()

	s := newSummary(os.Stderr, modulePath())
	s.read(os.Stdin, tick.C)
	s.finish()
	fmt.Println(s.counts())
	if s.failed > 0 {
		os.Exit(1)
	}
}

// modulePath is what package paths are shortened by.
func modulePath() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	return info.Main.Path
}

// read takes in one event per line; a line that is none is passed on.
func (s *summary) read(in io.Reader, tick <-chan time.Time) {
	lines := make(chan string)
	go func() {
		defer close(lines)
		scanner := bufio.NewScanner(in)
		scanner.Buffer(nil, 16<<20)
		for scanner.Scan() {
			lines <- scanner.Text()
		}
		if err := scanner.Err(); err != nil {
			lines <- fmt.Sprintf("testsummary: the rest is not read: %v", err)
		}
	}()
	for {
		select {
		case now := <-tick:
			s.progress(now)
		case line, more := <-lines:
			if !more {
				return
			}
			var e event
			if err := json.Unmarshal([]byte(line), &e); err != nil {
				s.printf("%s\n", line)
				continue
			}
			s.add(e)
		}
	}
}
