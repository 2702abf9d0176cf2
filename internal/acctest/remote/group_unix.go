// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

//go:build unix

package remote

import "syscall"

// OwnGroup starts a command in a process group of its own.
func OwnGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// KillProcessGroup ends the group that a process leads, or the caller's own group for 0.
func KillProcessGroup(leader int) error { return syscall.Kill(-leader, syscall.SIGKILL) }
