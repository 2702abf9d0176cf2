// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package changecontrol

import (
	"errors"
	"math"
	"os"

	"golang.org/x/sys/windows"
)

// noFollow: there is no such flag here.
const noFollow = 0

// tryLock has the file for this process until it is closed, or its process ends; false: another one has it. The byte that is
// locked is far behind the end, since nobody could read one that others have locked.
func tryLock(f *os.File) (bool, error) {
	behind := &windows.Overlapped{OffsetHigh: math.MaxInt32}
	err := windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, behind)
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return false, nil
	}
	return err == nil, err
}

// syncDirectory has nothing to do: the name is on the disk with the file.
func syncDirectory(string) error { return nil }
