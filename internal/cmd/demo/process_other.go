// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

//go:build !linux

package main

import "syscall"

// childAttributes: here the terminal's Ctrl-C reaches the children as well, which then stop by themselves.
func childAttributes() *syscall.SysProcAttr { return nil }
