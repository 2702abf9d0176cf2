// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	keyCount = 1000
	allKeys  = "1 000 keys"
)

// kinds are the types of the keys, in turn. Each has a command that writes a key, one that reads it, and the expected reply as
// text. KEY is the name, and VALUE a hexadecimal hash of it, which sorts before the other members of a set.
var kinds = []struct{ name, write, read, reply string }{
	{"string", "SET KEY VALUE", "GET KEY", "VALUE"},
	{"hash", "HSET KEY id VALUE state paid", "HGETALL KEY", "[id VALUE state paid]"},
	{"list", "RPUSH KEY VALUE second third", "LRANGE KEY 0 -1", "[VALUE second third]"},
	{"set", "SADD KEY VALUE second third", "SMEMBERS KEY", "[VALUE second third]"},
	{"zset", "ZADD KEY 2.5 VALUE 1 first", "ZRANGE KEY 0 -1 WITHSCORES", "[first 1 VALUE 2.5]"},
	{"stream", "XADD KEY 1-1 order VALUE", "XRANGE KEY - +", "[[1-1 [order VALUE]]]"},
}

func keyName(i int) string { return fmt.Sprintf("order:%04d", i) }

// fill puts the name and the value of the i-th key into a text of kinds.
func fill(text string, i int) string {
	sum := sha256.Sum256([]byte(keyName(i)))
	return strings.NewReplacer("KEY", keyName(i), "VALUE", hex.EncodeToString(sum[:])).Replace(text)
}

func do(ctx context.Context, store *redis.Client, text string, i int) (any, error) {
	var words []any
	for word := range strings.FieldsSeq(fill(text, i)) {
		words = append(words, word)
	}
	return store.Do(ctx, words...).Result()
}

// lifetime of the i-th key: every other key of each kind never expires, which is 0.
func lifetime(i int) time.Duration {
	return time.Duration(i/len(kinds)%2) * (time.Hour + time.Duration(i)*time.Second)
}

// keysCommand is the subcommand that examples/demo runs: demo keys write|check REPORT. It finds the store's URL in REDIS_URL.
// Terraform suppresses the output of a command that gets an ephemeral value, so the result goes to the file REPORT.
const keysCommand = "keys"

func useKeys(ctx context.Context, url string, write bool) error {
	store, err := connect(url, nil)
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	if write {
		if err := writeKeys(ctx, store); err != nil {
			return err
		}
	}
	return checkKeys(ctx, store)
}

func writeKeys(ctx context.Context, store *redis.Client) (err error) {
	for i := 0; err == nil && i < keyCount; i++ {
		_, err = do(ctx, store, kinds[i%len(kinds)].write, i)
		if err == nil && lifetime(i) > 0 {
			err = store.PExpire(ctx, keyName(i), lifetime(i)).Err()
		}
	}
	return err
}

// checkKeys compares the type, the content and the expiry of every key, and their number, with what was written. A key of another
// type is one that its command does not read.
func checkKeys(ctx context.Context, store *redis.Client) error {
	for i := range keyCount {
		name, kind, live := keyName(i), kinds[i%len(kinds)], lifetime(i)
		reply, err := do(ctx, store, kind.read, i)
		ttl, ttlErr := store.PTTL(ctx, name).Result()
		if err := errors.Join(err, ttlErr); err != nil {
			return fmt.Errorf("the key %s: %w", name, err)
		}
		if replyText(kind.name, reply) != fill(kind.reply, i) || (ttl < 0) != (live == 0) || ttl > live {
			return fmt.Errorf("the key %s is not what was written: %v, TTL %s", name, reply, ttl)
		}
	}
	n, err := store.DBSize(ctx).Result()
	if err == nil && n != keyCount {
		err = fmt.Errorf("the store has %d keys instead of %d", n, keyCount)
	}
	return err
}

// replyText is a reply as text; the members of a set have no order.
func replyText(kind string, reply any) string {
	if members, ok := reply.([]any); ok && kind == "set" {
		slices.SortFunc(members, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	}
	return fmt.Sprint(reply)
}

type dialer func(ctx context.Context, network, addr string) (net.Conn, error)

// connect never repeats anything of the URL, which has a password in it. A nil dial is an ordinary connection.
func connect(url string, dial dialer) (*redis.Client, error) {
	options, err := redis.ParseURL(url)
	if err != nil || options.TLSConfig == nil {
		return nil, errors.New("REDIS_URL does not hold a TLS URL") // the cause may quote it
	}
	options.Protocol = 2                        // servers and miniredis reply in the same form
	options.TLSConfig.InsecureSkipVerify = true // certificates are self-signed (Dev Center: Heroku Key-Value Store)
	if dial != nil {
		options.Dialer = dial
	}
	return redis.NewClient(options), nil
}

// errNoRoute is the proxy's refusal: the store is in a space that the app is not in.
var errNoRoute = errors.New("the app cannot reach the store")

// dialAs connects to stores from the network of an app, as a dyno of the app would, through the sandbox's proxy.
func (s *sandbox) dialAs(app string) dialer {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, strings.TrimPrefix(s.url, "http://"))
		if err != nil {
			return nil, err
		}
		request := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: addr}, Host: addr,
			Header: http.Header{"Proxy-Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte(app+":"))}}}
		if err := request.Write(conn); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
		response, err := http.ReadResponse(bufio.NewReader(conn), request) //nolint:bodyclose // the body is the connection
		if err == nil && response.StatusCode != http.StatusOK {
			err = fmt.Errorf("%w: %s", errNoRoute, response.Status)
		}
		if err != nil {
			return nil, errors.Join(err, conn.Close())
		}
		return tls.Client(conn, &tls.Config{InsecureSkipVerify: true}), nil //nolint:gosec // self-signed, see connect
	}
}
