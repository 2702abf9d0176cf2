// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

//go:build unix

package main

import (
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

var endingSignals = []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP}

// isolate sees to it that each signal reaches the command once: two interrupts make Terraform give up what it is doing. In the
// foreground of a terminal the command stays there, to read from it, and Ctrl-C reaches it without us: the result is true then.
// Elsewhere it gets a process group of its own, so that a signal for ours, such as timeout sends, comes by us alone.
func isolate(command *exec.Cmd) (byTerminal bool) {
	if terminal, err := os.Open("/dev/tty"); err == nil {
		defer func() { _ = terminal.Close() }()
		if group, err := unix.IoctlGetInt(int(terminal.Fd()), unix.TIOCGPGRP); err == nil && group == syscall.Getpgrp() {
			return true
		}
	}
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return false
}
