// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package changecontrol

import (
	"errors"
	"math"
	"os"

	"golang.org/x/sys/windows"
)

// noFollow is empty because Windows has no such flag.
const noFollow = 0

// tryLock locks the file exclusively until it is closed or the process ends. It returns false if it is locked already. It locks
// a byte far behind the end of the file, because other processes cannot read locked bytes.
func tryLock(f *os.File) (bool, error) {
	behind := &windows.Overlapped{OffsetHigh: math.MaxInt32}
	err := windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, behind)
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return false, nil
	}
	return err == nil, err
}

// syncDirectory does nothing: on Windows, syncing the file is enough.
func syncDirectory(string) error { return nil }
