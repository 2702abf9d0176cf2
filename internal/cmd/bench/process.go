// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// process measures the provider without a CLI: how large it is, and how soon it can be spoken to.
func (b *bench) process(ctx context.Context) error {
	binary, err := os.Stat(b.provider)
	if err != nil {
		return err
	}
	var starts []time.Duration
	for range 10 {
		took, err := b.handshake(ctx)
		if err != nil {
			return err
		}
		starts = append(starts, took)
	}
	slices.Sort(starts)
	b.add(
		row{work: "the provider: from its start to its handshake, median of 10", field: "7 ms", ours: float64(starts[len(starts)/2].Microseconds()) / 1000, unit: milliseconds},
		row{work: "the provider: size of the binary", field: "18 MiB", ours: float64(binary.Size()) / (1 << 20), unit: mebibytes},
	)
	for _, p := range b.growth {
		field := ""
		if p.n == 100 {
			field = "45 MiB"
		}
		b.add(row{work: fmt.Sprintf("the provider: memory while %d stores are refreshed", p.n), field: field,
			ours: float64(p.ours.provider.MaxRSS) / (1 << 20), unit: mebibytes})
	}
	return nil
}

// handshake starts the provider as a CLI does, and waits for the line that says where it listens.
func (b *bench) handshake(ctx context.Context) (time.Duration, error) {
	cmd := exec.CommandContext(ctx, b.provider)
	cmd.Env = []string{
		"HOME=" + b.home, "TMPDIR=" + b.home, "PLUGIN_PROTOCOL_VERSIONS=6",
		"TF_PLUGIN_MAGIC_COOKIE=d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2", // the same for all providers
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	took := time.Since(began)
	_ = cmd.Process.Kill()
	_, _ = io.Copy(io.Discard, stdout)
	_ = cmd.Wait()
	if err != nil || !strings.Contains(line, "|grpc|") {
		return 0, fmt.Errorf("the provider said %q instead of a handshake: %w", line, err)
	}
	return took, nil
}
