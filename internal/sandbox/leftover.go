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

// pidFileName: "<pid> <start>" of the server that runs in this directory, see processStart.
const pidFileName = "server.pid"

func writePIDFile(dir string, pid int) error {
	return os.WriteFile(filepath.Join(dir, pidFileName), fmt.Appendf(nil, "%d %s\n", pid, processStart(pid)), 0o600)
}

// endLeftover ends the process that the directory's pid file names, if it still runs and is that very process, and removes the file.
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
	if _, err := fmt.Sscan(string(text), &pid, &start); err == nil && pid > 1 && processStart(pid) == start {
		if err := endProcess(pid, start); err != nil {
			return false, err
		}
		ended = true
	}
	return ended, os.Remove(file)
}

// endProcess sends TERM, then KILL. The process is no child of ours, so its end is seen by polling.
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
			if processStart(pid) != start {
				return nil
			}
		}
	}
	return fmt.Errorf("the leftover server, process %d, does not end", pid)
}
