// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// keysCommand is the subcommand that examples/demo runs: demo keys write|read REPORT. It finds the store's URL in
// REDIS_URL. Terraform shows nothing of its output, since that might hold the URL, so it leaves a report: the number of
// keys, or why there is none.
const keysCommand = "keys"

const keyCount = 100

func keys(ctx context.Context, args []string) int {
	if len(args) != 2 || args[0] != "write" && args[0] != "read" {
		fmt.Fprintln(os.Stderr, "usage: REDIS_URL=rediss://… demo keys write|read REPORT")
		return 2
	}
	found, err := useKeys(ctx, os.Getenv("REDIS_URL"), args[0] == "write")
	report := strconv.FormatInt(found, 10)
	if err != nil {
		report = err.Error()
	}
	if writeErr := os.WriteFile(args[1], []byte(report), 0o600); writeErr != nil {
		return 1
	}
	if err != nil {
		return 1
	}
	return 0
}

// useKeys writes the keys if asked to, reads them back in any case, and returns how many keys the store has.
func useKeys(ctx context.Context, url string, write bool) (int64, error) {
	if !strings.HasPrefix(url, "rediss://") {
		return 0, errors.New("REDIS_URL does not hold a TLS URL")
	}
	options, err := redis.ParseURL(url)
	if err != nil {
		return 0, errors.New("REDIS_URL does not hold a URL") // the cause may quote it
	}
	options.TLSConfig.InsecureSkipVerify = true // certificates are self-signed (Dev Center: Heroku Key-Value Store)
	store := redis.NewClient(options)
	defer func() { _ = store.Close() }()

	names := make([]string, keyCount)
	for i := range names {
		names[i] = fmt.Sprintf("order:%03d", i)
	}
	if write {
		if _, err := store.Pipelined(ctx, func(p redis.Pipeliner) error {
			for _, name := range names {
				p.Set(ctx, name, valueOf(name), 0)
			}
			return nil
		}); err != nil {
			return 0, fmt.Errorf("writing keys: %w", err)
		}
	}
	values, err := store.MGet(ctx, names...).Result()
	if err != nil {
		return 0, fmt.Errorf("reading keys: %w", err)
	}
	for i, value := range values {
		if value != valueOf(names[i]) {
			return 0, fmt.Errorf("the key %s is not what was written", names[i])
		}
	}
	return store.DBSize(ctx).Result()
}

// valueOf is something that cannot be right by accident.
func valueOf(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:])
}
