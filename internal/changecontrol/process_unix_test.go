// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

//go:build linux || darwin

package changecontrol

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
)

// On a full disk, a write fails after a part of it. A limit of the file size (RLIMIT_FSIZE) has the same effect on one process.

func init() {
	children["full"] = func(ctx context.Context, c *Control, path string) error {
		signal.Ignore(syscall.SIGXFSZ)
		answered, err := c.Announce(ctx, testWrite) // there is room for one pair of lines
		if err != nil {
			return err
		}
		answered(Answer{Event: EventAnswered, Status: 200})
		before, err := os.ReadFile(path)
		if err != nil {
			return err
		}

		// There is room for a part of an intent only.
		if err := limitFiles(len(before) + 100); err != nil {
			return err
		}
		if _, err := c.Announce(ctx, testWrite); err == nil || !strings.Contains(err.Error(), path) {
			return fmt.Errorf("an intent was announced: %w", err)
		}
		if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, before) {
			return fmt.Errorf("what is left is %q: %w", after[len(before):], err)
		}

		// There is room for an intent, and not for its result.
		if err := limitFiles(len(before) + len(before)*3/4); err != nil {
			return err
		}
		if answered, err = c.Announce(ctx, testWrite); err != nil {
			return err
		}
		answered(Answer{Event: EventAnswered, Status: 201})
		if err := c.Unwritten(ctx); err == nil || !strings.Contains(err.Error(), "status 201") {
			return fmt.Errorf("an answer was written: %w", err)
		}
		if _, err := c.Announce(ctx, testWrite); err == nil || !strings.Contains(err.Error(), "not recorded yet") {
			return fmt.Errorf("the next write was announced: %w", err)
		}

		// There is room again.
		if err := limitFiles(10 * len(before)); err != nil {
			return err
		}
		if answered, err = c.Announce(ctx, testWrite); err != nil {
			return err
		}
		answered(Answer{Event: EventAnswered, Status: 202})
		return c.Unwritten(ctx)
	}
}

func limitFiles(size int) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	limit.Cur = uint64(size)
	return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit)
}

func TestProcesses_fullDisk(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	if out, err := child(t, "full", path).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	expectRecord(t, path, 6, 0)
}
