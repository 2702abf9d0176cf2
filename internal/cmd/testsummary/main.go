// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

// Command testsummary makes `go test -json` readable. On stderr it prints a line for each package as it finishes, every
// failure in full and at the end again by name, every skipped test with its reason, and now and then how far the run is
// and how long it will take. A limit or an interrupt is reported as that, with the tests that it met, and not as the
// failure of each. On stdout it prints nothing but the counts: "412 passed, 0 failed, 0 skipped". It exits with 1 when
// anything failed or did not finish.
//
// With -history it knows the number of tests, and what each package takes, from the last run that passed.
//
// gotestsum would do most of this. It counts what a limit or an interrupt left unfinished as failures, and has no estimate.
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

	// go test has the same signal, and what it says of its end is still to be read.
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)

	s := newSummary(os.Stderr, modulePath())
	s.began = time.Now()
	s.history = readHistory(*file)
	every := 30 * time.Second
	if info, err := os.Stderr.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
		s.live, every = true, 2*time.Second
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

// modulePath is what package paths are shortened by.
func modulePath() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	return info.Main.Path
}

// read takes in one event per line; a line that is none is passed on.
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
