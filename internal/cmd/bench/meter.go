// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"time"
)

// The CLI starts this program instead of the provider: it runs the real one and notes what that has used.
const (
	meterProvider = "KVS_BENCH_PROVIDER" // the binary to run
	meterNotes    = "KVS_BENCH_NOTES"    // the file that a line is added to
)

// usage is what processes of the provider have used.
type usage struct {
	CPU    time.Duration
	MaxRSS int64 // bytes
}

// startedAsProvider reports that the CLI has started this program as its provider.
func startedAsProvider() bool {
	return os.Getenv(meterProvider) != "" && strings.HasPrefix(filepath.Base(os.Args[0]), "terraform-provider-")
}

// runProvider runs the provider to its end. Signals reach both, since they share a process group.
func runProvider(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, os.Getenv(meterProvider), os.Args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return err
	}
	notes, err := os.OpenFile(os.Getenv(meterNotes), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	u := used(cmd.ProcessState)
	_, err = fmt.Fprintln(notes, int64(u.CPU), u.MaxRSS)
	return errors.Join(err, notes.Close())
}

func used(state *os.ProcessState) usage {
	u := usage{CPU: state.UserTime() + state.SystemTime()}
	// By reflection, because Windows has no such field.
	if rss := reflect.Indirect(reflect.ValueOf(state.SysUsage())).FieldByName("Maxrss"); rss.IsValid() {
		u.MaxRSS = rss.Int() * 1024
		if runtime.GOOS == "darwin" { // which alone counts bytes
			u.MaxRSS = rss.Int()
		}
	}
	return u
}

// readNotes sums up the processes of one command: the CPU of all, and the memory of the largest.
func readNotes(file string) (sum usage) {
	content, err := os.ReadFile(file)
	check(err)
	for line := range strings.Lines(string(content)) {
		var u usage
		_, err := fmt.Sscan(line, &u.CPU, &u.MaxRSS)
		check(err)
		sum.CPU, sum.MaxRSS = sum.CPU+u.CPU, max(sum.MaxRSS, u.MaxRSS)
	}
	return sum
}
