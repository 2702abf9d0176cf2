// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

// Command testsummary makes the output of `go test -json` readable. On stderr it prints a line for each finished package, every failure
// with its output and again by name at the end, every skipped test with its reason, and regularly the progress of the run with an
// estimate of the remaining time. A timeout or an interrupt is reported as one failure with the tests that were running, and not as a
// failure of each of them. On stdout it prints only the counts: "412 passed, 0 failed, 0 skipped". It exits with 1 if anything failed or
// did not finish.
//
// With -history it knows the number of tests and the duration of each package from the last run that passed.
//
// gotestsum has most of these features, but it counts tests that a timeout or an interrupt left unfinished as failures, and has no
// estimate.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"
)

func main() {
	file := flag.String("history", "", "`file` with the numbers of the last run that passed; written anew by one that passes")
	flag.Parse()

	// go test gets the same signal. Its last output must still be read, so this process does not end.
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)

	s := newSummary(os.Stderr, modulePath())
	s.began = time.Now()
	s.history = readHistory(*file)
	every := 30 * time.Second
	if info, err := os.Stderr.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
		s.terminal, every = true, 2*time.Second
	}
	tick := time.NewTicker(every)
	defer tick.Stop()

	s.read(os.Stdin, tick.C, signals)
	s.finish()
	fmt.Println(s.counts())
	if s.failed > 0 {
		os.Exit(1)
	}
	if err := s.timings.write(*file); err != nil {
		fmt.Fprintln(os.Stderr, "testsummary:", err)
	}
}

// modulePath returns the prefix that is removed from package paths.
func modulePath() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	return info.Main.Path
}

// read reads one event per line, and prints lines that are not events.
func (s *summary) read(in io.Reader, tick <-chan time.Time, signals <-chan os.Signal) {
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
		case sig := <-signals:
			s.interrupted = sig.String()
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
