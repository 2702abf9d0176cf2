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

// The CLI starts this program as the provider. It runs the real provider, and records its usage of CPU and memory.
const (
	meterProvider = "KVS_BENCH_PROVIDER" // the binary to run
	meterNotes    = "KVS_BENCH_NOTES"    // the file to which a line is added
)

// usage is the CPU time and memory that processes of the provider have used.
type usage struct {
	CPU    time.Duration
	MaxRSS int64 // bytes
}

// startedAsProvider reports whether the CLI has started this program as its provider.
func startedAsProvider() bool {
	return os.Getenv(meterProvider) != "" && strings.HasPrefix(filepath.Base(os.Args[0]), "terraform-provider-")
}

// runProvider runs the provider and records its usage. Signals reach both, because they are in the same process group.
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
	// Use reflection, because the field does not exist on Windows.
	if rss := reflect.Indirect(reflect.ValueOf(state.SysUsage())).FieldByName("Maxrss"); rss.IsValid() {
		u.MaxRSS = rss.Int() * 1024
		if runtime.GOOS == "darwin" { // the only system that counts bytes
			u.MaxRSS = rss.Int()
		}
	}
	return u
}

// readNotes returns the usage of the provider's processes during one command: the sum of their CPU times, and the largest memory.
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
