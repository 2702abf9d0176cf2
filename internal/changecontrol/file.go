// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package changecontrol

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// CheckRecord returns an error if a record cannot be written to the path. It creates no file: the first line does.
func CheckRecord(path string) error {
	f, err := openRecord(path, 0)
	switch {
	case err == nil:
		defer func() { _ = f.Close() }() // nothing was written to it
		if _, err := readEnd(f); err != nil {
			return recordError(path, err)
		}
		return nil
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	trial, err := os.CreateTemp(filepath.Dir(path), ".kvs-record-*")
	if err != nil {
		return recordError(path, err)
	}
	return errors.Join(trial.Close(), os.Remove(trial.Name()))
}

// openRecord opens a regular file for reading and writing; create is 0 or os.O_CREATE.
func openRecord(path string, create int) (*os.File, error) {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && create != 0:
	case err != nil:
		return nil, recordError(path, err)
	case info.IsDir():
		return nil, fmt.Errorf("the change record %s is a directory: write the path of a file", path)
	case info.Mode()&fs.ModeSymlink != 0:
		return nil, fmt.Errorf("the change record %s is a symbolic link, which may be pointed elsewhere: write the path of the file itself", path)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("the change record %s is not a regular file: write the path of a file", path)
	case info.Mode().Perm()&0o222 == 0: // checked here because opening it would succeed for root
		return nil, fmt.Errorf("the change record %s is read-only: make it writable, or write the path of another file", path)
	}
	f, err := os.OpenFile(path, os.O_RDWR|create|noFollow, 0o600)
	if err != nil {
		return nil, recordError(path, err)
	}
	return f, nil
}

func recordError(path string, err error) error {
	return fmt.Errorf("the change record %s cannot be written: %w", path, err)
}

// appendLine appends a line, and returns its number once it is on the disk. After an error it restores the file if possible. If that
// fails too, the next append finds the incomplete line.
func appendLine(ctx context.Context, path string, l Line) (seq int64, err error) {
	create := os.O_CREATE
	if l.Answers != 0 {
		create = 0 // a new file would not have the intent
	}
	f, err := lockRecord(ctx, path, create)
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }() // also releases the lock; the line is on the disk by then

	end, err := readEnd(f)
	if err != nil {
		return 0, recordError(path, err)
	}
	written, err := end.linesFor(l)
	if err != nil {
		return 0, recordError(path, err)
	}
	if _, err = f.WriteAt(written, end.size-int64(len(end.torn))); err == nil {
		err = f.Sync()
	}
	if err != nil {
		_, again := f.WriteAt(end.torn, end.size-int64(len(end.torn)))
		return 0, recordError(path, errors.Join(err, again, f.Truncate(end.size)))
	}
	if end.size == 0 {
		if err := syncDirectory(filepath.Dir(path)); err != nil {
			return 0, recordError(path, err)
		}
	}
	return end.seq + int64(bytes.Count(written, []byte("\n"))), nil
}

const (
	lockTimeout       = 30 * time.Second // real time; a process holds the lock for milliseconds unless it hangs
	lockRetryInterval = 5 * time.Millisecond
)

// lockRecord opens the file and locks it exclusively.
func lockRecord(ctx context.Context, path string, create int) (*os.File, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, lockTimeout, errors.New("another process has kept it locked for 30 seconds"))
	defer cancel()
	for {
		f, err := openRecord(path, create)
		if err != nil {
			return nil, err
		}
		locked, err := tryLock(f)
		if err != nil {
			return nil, recordError(path, errors.Join(err, f.Close()))
		}
		if locked && isSameFile(f, path) {
			return f, nil
		}
		_ = f.Close() // nothing was written to it
		pause := time.NewTimer(lockRetryInterval)
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return nil, recordError(path, context.Cause(ctx))
		}
	}
}

// isSameFile reports whether path still names the file, which may have been moved before it was locked.
func isSameFile(f *os.File, path string) bool {
	opened, err := f.Stat()
	if err != nil {
		return false
	}
	named, err := os.Lstat(path)
	return err == nil && os.SameFile(opened, named)
}

// ending is the end of a record.
type ending struct {
	size int64  // of the file
	seq  int64  // of the last complete line
	head string // the hash of that line
	torn []byte // an incomplete line after it
}

// readEnd reads the last complete line, and what follows it.
func readEnd(f *os.File) (ending, error) {
	info, err := f.Stat()
	if err != nil {
		return ending{}, err
	}
	end := ending{size: info.Size(), head: zeroHash}
	for length := int64(64 << 10); end.size > 0; length *= 2 {
		length = min(length, end.size)
		tail := make([]byte, length)
		if _, err := f.ReadAt(tail, end.size-length); err != nil && !errors.Is(err, io.EOF) {
			return ending{}, err
		}
		last := bytes.LastIndexByte(tail, '\n')
		begins := bytes.LastIndexByte(tail[:max(last, 0)], '\n') + 1
		if length < end.size && begins == 0 {
			continue // the last line begins before the tail
		}
		end.torn = tail[last+1:]
		if last >= 0 {
			l, err := parseLine(tail[begins:last])
			if err != nil {
				return ending{}, errDamaged(end.size)
			}
			end.seq, end.head = l.Seq, hashOf(tail[begins:last])
		}
		break
	}
	opens, torn := fmt.Sprintf(`{"seq":%d,"event":"`, end.seq+1), string(end.torn)
	if !strings.HasPrefix(torn, opens) && !strings.HasPrefix(opens, torn) {
		return ending{}, errDamaged(end.size)
	}
	return end, nil
}

func errDamaged(size int64) error {
	return fmt.Errorf("it %w (after %d bytes): keep it as it is, look into it with verify_change_record, and begin another file",
		ErrDamaged, size)
}

// linesFor returns what to write in place of torn: the line l, and before it a line for what is torn. If torn lacks only its line
// break, that is the line itself; otherwise it is an EventTorn that contains it.
func (e ending) linesFor(l Line) ([]byte, error) {
	var written []byte
	if len(e.torn) > 0 {
		first := e.torn
		if whole, err := parseLine(e.torn); err != nil || whole.Seq != e.seq+1 || whole.Previous != e.head {
			torn := l
			torn.Seq, torn.Event, torn.Answers, torn.Status, torn.RequestID, torn.Previous = e.seq+1, EventTorn, 0, nil, "", e.head
			torn.Method, torn.Path, torn.Try, torn.Object, torn.Impact, torn.Removed = "", "", 0, Object{}, nil, string(e.torn)
			if first, err = torn.render(); err != nil {
				return nil, err
			}
		}
		written = append(bytes.Clone(first), '\n')
		e.seq, e.head = e.seq+1, hashOf(first)
	}
	l.Seq, l.Previous = e.seq+1, e.head
	line, err := l.render()
	if err != nil {
		return nil, err
	}
	return append(append(written, line...), '\n'), nil
}
