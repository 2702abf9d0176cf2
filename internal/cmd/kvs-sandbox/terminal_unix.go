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

// isolate ensures that each signal reaches the command only once, because a second interrupt makes Terraform abort. In the foreground of
// a terminal, the command stays in the same process group, so that it can read from the terminal. The terminal then sends Ctrl-C to it
// directly, and the result is true. Otherwise the command gets its own process group, so that a signal to the group of this process, as
// timeout sends it, reaches the command only if it is forwarded.
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
