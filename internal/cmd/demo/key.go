// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"
)

// key is what has to survive: the type, all of the content, and when it expires.
type key struct {
	Type   string
	Digest string        // of the content
	Left   time.Duration // to live; negative: for ever
}

// kinds are the types that keys have in turn, and the commands that write and read one.
var kinds = []struct {
	name  string
	write func(value string) []any // what comes before and after the key's name
	read  []any
}{
	{"string", func(v string) []any { return []any{"SET", v} }, []any{"GET"}},
	{"hash", func(v string) []any { return []any{"HSET", "id", v, "state", "paid"} }, []any{"HGETALL"}},
	{"list", func(v string) []any { return []any{"RPUSH", v, "second", "third"} }, []any{"LRANGE", 0, -1}},
	{"set", func(v string) []any { return []any{"SADD", v, "second", "third"} }, []any{"SMEMBERS"}},
	{"zset", func(v string) []any { return []any{"ZADD", 2.5, v, 1, "first"} }, []any{"ZRANGE", 0, -1, "WITHSCORES"}},
	{"stream", func(v string) []any { return []any{"XADD", "*", "order", v} }, []any{"XRANGE", "-", "+"}},
}

func keyName(i int) string { return fmt.Sprintf("order:%04d", i) }

// lifetime of the i-th key: every other one of each kind lives for ever, which is 0.
func lifetime(i int) time.Duration {
	if i/len(kinds)%2 == 0 {
		return 0
	}
	return time.Hour + time.Duration(i)*time.Second
}

// at puts the key's name behind the command's.
func at(name string, command []any) []any { return slices.Insert(slices.Clone(command), 1, any(name)) }

func writeKeys(ctx context.Context, store *redis.Client) error {
	_, err := store.TxPipelined(ctx, func(p redis.Pipeliner) error {
		for i := range keyCount {
			name := keyName(i)
			p.Do(ctx, at(name, kinds[i%len(kinds)].write(valueOf(name)))...)
			if live := lifetime(i); live > 0 {
				p.PExpire(ctx, name, live)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("writing keys: %w", err)
	}
	return nil
}

// readKeys reads all keys, and insists on the types and the number that were written.
func readKeys(ctx context.Context, store *redis.Client) (map[string]key, error) {
	kind, left, content := make([]*redis.StatusCmd, keyCount), make([]*redis.DurationCmd, keyCount), make([]*redis.Cmd, keyCount)
	_, pipeErr := store.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i := range keyCount {
			name := keyName(i)
			kind[i], left[i], content[i] = p.Type(ctx, name), p.PTTL(ctx, name), p.Do(ctx, at(name, kinds[i%len(kinds)].read)...)
		}
		return nil
	})
	found := make(map[string]key, keyCount)
	for i := range keyCount {
		name, want := keyName(i), kinds[i%len(kinds)].name
		if err := kind[i].Err(); err != nil {
			return nil, fmt.Errorf("reading keys: %w", err)
		}
		if got := kind[i].Val(); got != want {
			return nil, fmt.Errorf("the key %s should be a %s, and its type is %s", name, want, got)
		}
		found[name] = key{Type: want, Digest: digest(want, content[i].Val()), Left: left[i].Val()}
	}
	if pipeErr != nil {
		return nil, fmt.Errorf("reading keys: %w", pipeErr)
	}
	n, err := store.DBSize(ctx).Result()
	if err == nil && n != keyCount {
		err = fmt.Errorf("the store has %d keys instead of %d", n, keyCount)
	}
	return found, err
}

// digest of what a store answers; a set has no order, and none has that of a map when it is printed.
func digest(kind string, content any) string {
	if members, ok := content.([]any); ok && kind == "set" {
		slices.SortFunc(members, func(a, b any) int { return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	}
	return valueOf(fmt.Sprint(content))
}

// isStill says that a key is as it was before, and goes on expiring when it would have.
func (k key) isStill(before key) error {
	switch {
	case k.Type != before.Type:
		return fmt.Errorf("its type was %s and is %s", before.Type, k.Type)
	case k.Digest != before.Digest:
		return errors.New("its content differs")
	case k.Left < 0 != (before.Left < 0) || k.Left > before.Left:
		return fmt.Errorf("it had %s to live and has %s", before.Left, k.Left)
	}
	return nil
}

// valueOf is something that cannot be right by accident.
func valueOf(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:])
}
