// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

//go:build !unix

package remote

import (
	"cmp"
	"os"
	"syscall"
)

// OwnGroup does nothing: there are no process groups here.
func OwnGroup() *syscall.SysProcAttr { return nil }

// KillProcessGroup ends the process, or the caller's own for 0: there are no process groups here.
func KillProcessGroup(leader int) error {
	p, err := os.FindProcess(cmp.Or(leader, os.Getpid()))
	if err != nil {
		return err
	}
	return p.Kill()
}
