// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

//go:build !linux

package sandbox

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// childAttributes returns nil, because only Linux can end children with their parent. On other systems, servers that a killed sandbox has
// left running are ended by the next start on its data directory.
func childAttributes() *syscall.SysProcAttr { return nil }

func kill(p *os.Process) { _ = p.Kill() }

// raiseOpenFiles does nothing, because servers raise their own limit. It returns a number that macOS and the BSDs allow.
func raiseOpenFiles() int { return 10240 }

// processStartTime returns the start time of a process as ps prints it, or "" if there is no such process. It distinguishes the process
// from a later one with the same pid.
func processStartTime(pid int) string {
	out, err := (&exec.Cmd{Path: "/bin/ps", Args: []string{"ps", "-o", "lstart=", "-p", strconv.Itoa(pid)}}).Output()
	if err != nil {
		return ""
	}
	return strings.Join(strings.Fields(string(out)), "-")
}
