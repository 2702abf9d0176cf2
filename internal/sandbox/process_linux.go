// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"bytes"
	"fmt"
	"os"
	"syscall"
)

// childAttributes make a child die with the sandbox, even by kill -9, and keep the terminal's Ctrl-C away from it.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}

// kill ends a process and its own children: one that still writes an AOF would put it into a directory that goes.
func kill(p *os.Process) { _ = syscall.Kill(-p.Pid, syscall.SIGKILL) }

// raiseOpenFiles lets this process and its children open as many files as the hard limit allows, and returns that number.
// Children must find it raised: an unprivileged server that raises its own limit lowers the hard one to what it needs now.
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

// processStart tells a process from a later one with the same pid: its start in clock ticks since boot; "" = no such process.
func processStart(pid int) string {
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
