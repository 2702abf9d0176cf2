// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// pidFileName is the file with "<pid> <start time>" of the server that runs in its directory, see processStartTime.
const pidFileName = "server.pid"

func writePIDFile(dir string, pid int) error {
	return os.WriteFile(filepath.Join(dir, pidFileName), fmt.Appendf(nil, "%d %s\n", pid, processStartTime(pid)), 0o600)
}

// endLeftover ends the process in the pid file of the directory, if it still runs and its start time matches, and removes the file.
func endLeftover(dir string) (ended bool, err error) {
	file := filepath.Join(dir, pidFileName)
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	var pid int
	var start string
	if _, err := fmt.Sscan(string(text), &pid, &start); err == nil && pid > 1 && processStartTime(pid) == start {
		if err := endProcess(pid, start); err != nil {
			return false, err
		}
		ended = true
	}
	return ended, os.Remove(file)
}

// endProcess sends TERM, then KILL. It polls for the end, because the process is not a child of this one.
func endProcess(pid int, start string) error {
	process, err := os.FindProcess(pid)
	if err != nil {
		return err
	}
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	for _, signal := range []os.Signal{syscall.SIGTERM, os.Kill} {
		if err := process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return fmt.Errorf("ending the leftover server, process %d: %w", pid, err)
		}
		for deadline := time.Now().Add(stopTimeout); time.Now().Before(deadline); <-poll.C {
			if processStartTime(pid) != start {
				return nil
			}
		}
	}
	return fmt.Errorf("the leftover server, process %d, does not end", pid)
}
