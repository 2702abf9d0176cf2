// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

const keyCount = 1000

// kinds are the types that the keys have in turn. Each has a command that writes a key, one that reads it, and the expected reply as
// text. KEY is the name of the key, and VALUE a unique number of four digits that is sorted after the other elements of a set.
var kinds = []struct{ write, read, reply string }{
	{"SET KEY VALUE", "GET KEY", "VALUE"},
	{"HSET KEY id VALUE state paid", "HGETALL KEY", "[id VALUE state paid]"},
	{"RPUSH KEY VALUE second third", "LRANGE KEY 0 -1", "[VALUE second third]"},
	{"SADD KEY VALUE 1001 1002", "SMEMBERS KEY", "[1001 1002 VALUE]"}, // a set of numbers is sorted
	{"ZADD KEY 2.5 VALUE 1 first", "ZRANGE KEY 0 -1 WITHSCORES", "[first 1 VALUE 2.5]"},
	{"XADD KEY 1-1 order VALUE", "XRANGE KEY - +", "[[1-1 [order VALUE]]]"},
}

func keyName(i int) string { return fmt.Sprintf("order:%04d", i) }

// fill replaces KEY and VALUE in a text of kinds for the i-th key.
func fill(text string, i int) string {
	return strings.NewReplacer("KEY", keyName(i), "VALUE", strconv.Itoa(2000+i)).Replace(text)
}

// lifetime returns the TTL of the i-th key. It is 0 for every other key of each kind, which never expires.
func lifetime(i int) time.Duration {
	return time.Duration(i/len(kinds)%2) * (time.Hour + time.Duration(i)*time.Second)
}

// do sends a command of kinds for the i-th key, and returns the reply. It fails if the key has another type.
func do(ctx context.Context, store *redis.Client, command string, i int) string {
	var words []any
	for word := range strings.FieldsSeq(fill(command, i)) {
		words = append(words, word)
	}
	reply, err := store.Do(ctx, words...).Result()
	mustBe(err == nil, "the key %s: %v", keyName(i), err)
	return fmt.Sprint(reply)
}

func useKeys(ctx context.Context, url string, write bool) {
	store := connect(url, nil)
	defer func() { _ = store.Close() }()
	if write {
		writeKeys(ctx, store)
	}
	checkKeys(ctx, store)
}

func writeKeys(ctx context.Context, store *redis.Client) {
	for i := range keyCount {
		do(ctx, store, kinds[i%len(kinds)].write, i)
		if lifetime(i) > 0 {
			check(store.PExpire(ctx, keyName(i), lifetime(i)).Err())
		}
	}
}

// checkKeys compares the type, the content and the expiry of every key, and their number, with what was written.
func checkKeys(ctx context.Context, store *redis.Client) {
	for i := range keyCount {
		kind, live := kinds[i%len(kinds)], lifetime(i)
		content := do(ctx, store, kind.read, i)
		ttl := must(store.PTTL(ctx, keyName(i)).Result())
		mustBe(content == fill(kind.reply, i) && (ttl < 0) == (live == 0) && ttl <= live,
			"the key %s is not what was written: %s, TTL %s", keyName(i), content, ttl)
	}
	n := must(store.DBSize(ctx).Result())
	mustBe(n == keyCount, "the store has %d keys instead of %d", n, keyCount)
}

// connect returns a client for a TLS URL. Its error contains neither the URL, which has a password, nor the underlying error, which could
// repeat it. A nil dial means a direct connection.
func connect(url string, dial func(context.Context, string, string) (net.Conn, error)) *redis.Client {
	options, err := redis.ParseURL(url)
	mustBe(err == nil && options.TLSConfig != nil, "REDIS_URL does not hold a TLS URL")
	options.Protocol, options.Dialer = 2, dial // servers and miniredis reply in the same form
	// Certificates are self-signed (Dev Center: Heroku Key-Value Store).
	options.TLSConfig.InsecureSkipVerify = true
	return redis.NewClient(options)
}
