// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"bytes"
	"fmt"
	"os"
	"syscall"
)

// childAttributes makes a child end with the sandbox, even after kill -9, and keeps the terminal's Ctrl-C away from it.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}

// kill kills a process and its own children, because a child that writes an AOF would write into a directory that is being removed.
func kill(p *os.Process) { _ = syscall.Kill(-p.Pid, syscall.SIGKILL) }

// raiseOpenFiles raises the limit of open files of this process and its children to the hard limit, and returns it. It must be raised
// before children start: an unprivileged server that raises its own limit also lowers the hard limit to what it currently needs.
func raiseOpenFiles() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 1024
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: limit.Max, Max: limit.Max}); err != nil {
		return int(min(limit.Cur, 1<<20))
	}
	return int(min(limit.Max, 1<<20))
}

// processStartTime returns the start time of a process in clock ticks since boot, or "" if there is no such process. It distinguishes the
// process from a later one with the same pid.
func processStartTime(pid int) string {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	// The command (2nd field) may contain anything, so count from its last ")": state is field 3, the start field 22.
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 20 || fields[0][0] == 'Z' {
		return ""
	}
	return string(fields[19])
}
