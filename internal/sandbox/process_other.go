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

// childAttributes are none: only Linux ends children with their parent. Elsewhere the servers that a killed sandbox has left behind end at
// the next start on its data directory.
func childAttributes() *syscall.SysProcAttr { return nil }

func kill(p *os.Process) { _ = p.Kill() }

// raiseOpenFiles raises nothing: servers raise their own limit. The number is within what macOS and the BSDs grant.
func raiseOpenFiles() int { return 10240 }

// processStart tells a process from a later one with the same pid: when it started, as ps prints it; "" = no such process.
func processStart(pid int) string {
	out, err := (&exec.Cmd{Path: "/bin/ps", Args: []string{"ps", "-o", "lstart=", "-p", strconv.Itoa(pid)}}).Output()
	if err != nil {
		return ""
	}
	return strings.Join(strings.Fields(string(out)), "-")
}
