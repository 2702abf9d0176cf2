// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// stopping is how long a child may take to end after it was asked to.
const stopping = 20 * time.Second

// command prepares a child that is interrupted with ctx, and killed when it does not heed that.
func command(ctx context.Context, path string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = stopping
	cmd.SysProcAttr = childAttributes()
	return cmd
}

// goTool runs the go command in the environment of this process, for it needs its caches.
func goTool(ctx context.Context, dir string, args ...string) (string, error) {
	cmd := command(ctx, "go", args...)
	cmd.Dir = dir
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return strings.TrimSpace(stdout.String()), nil
}

// checkout is the root of the repository that the working directory is in.
func checkout(ctx context.Context) (string, error) {
	mod, err := goTool(ctx, "", "env", "GOMOD")
	if err != nil {
		return "", err
	}
	if mod == "" || mod == os.DevNull {
		return "", errors.New("run it inside a checkout of terraform-provider-kvs")
	}
	return filepath.Dir(mod), nil
}

// bareEnvironment is all that children other than go get to see of this machine, so that nobody's settings change the outcome.
func bareEnvironment(home string) []string {
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "TMPDIR=" + home}
}
