// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/redis/go-redis/v9"
)

// keysCommand is the subcommand that examples/demo runs: demo keys write|read DIRECTORY. It finds the store's URL in
// REDIS_URL. Terraform shows nothing of its output, since that might hold the URL, so it leaves a report in the
// directory: that all keys are there, or why not. What was written is kept beside it, to compare what is read.
const keysCommand = "keys"

const (
	keyCount = 1000
	allKeys  = "1 000 keys"
)

const (
	keysReport  = "report"
	keysWritten = "written.json"
)

func keys(ctx context.Context, args []string) int {
	if len(args) != 2 || args[0] != "write" && args[0] != "read" {
		fmt.Fprintln(os.Stderr, "usage: REDIS_URL=rediss://… demo keys write|read DIRECTORY")
		return 2
	}
	err := useKeys(ctx, os.Getenv("REDIS_URL"), args[1], args[0] == "write")
	report := allKeys
	if err != nil {
		report = err.Error()
	}
	if writeErr := os.WriteFile(filepath.Join(args[1], keysReport), []byte(report), 0o600); err != nil || writeErr != nil {
		return 1
	}
	return 0
}

// useKeys writes the keys, or compares those of the store with what was written.
func useKeys(ctx context.Context, url, dir string, write bool) error {
	options, err := storeOptions(url)
	if err != nil {
		return err
	}
	store := redis.NewClient(options)
	defer func() { _ = store.Close() }()
	if write {
		return writeInto(ctx, store, filepath.Join(dir, keysWritten))
	}
	return compareWith(ctx, store, filepath.Join(dir, keysWritten))
}

// storeOptions never repeats anything of the URL, which has a password in it.
func storeOptions(url string) (*redis.Options, error) {
	if !strings.HasPrefix(url, "rediss://") {
		return nil, errors.New("REDIS_URL does not hold a TLS URL")
	}
	options, err := redis.ParseURL(url)
	if err != nil {
		return nil, errors.New("REDIS_URL does not hold a URL") // the cause may quote it
	}
	options.TLSConfig.InsecureSkipVerify = true // certificates are self-signed (Dev Center: Heroku Key-Value Store)
	return options, nil
}

func writeInto(ctx context.Context, store *redis.Client, file string) error {
	if err := writeKeys(ctx, store); err != nil {
		return err
	}
	written, err := readKeys(ctx, store)
	if err != nil {
		return err
	}
	kept, err := json.Marshal(written)
	if err != nil {
		return err
	}
	return os.WriteFile(file, kept, 0o600)
}

func compareWith(ctx context.Context, store *redis.Client, file string) error {
	kept, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var written map[string]key
	if err := json.Unmarshal(kept, &written); err != nil {
		return err
	}
	found, err := readKeys(ctx, store)
	if err != nil {
		return err
	}
	for name, before := range written {
		if err := found[name].isStill(before); err != nil {
			return fmt.Errorf("the key %s is not what was written: %w", name, err)
		}
	}
	return nil
}
