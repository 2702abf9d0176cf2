// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
)

// dataset are all keys of a store: "0/cart:1" to its type, when it expires, and a digest of its value.
type dataset map[string]string

// seed writes keys of all types, some of which expire, into two databases.
func seed(t *testing.T, client *redis.Client) {
	t.Helper()
	ctx := t.Context()
	conn := client.Conn()
	defer func() { _ = conn.Close() }()
	// The sandbox's servers live in real time: what expires in a year expires after any test.
	expiry := time.Now().Add(365 * 24 * time.Hour).Truncate(time.Second)
	_, err := conn.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.Set(ctx, "greeting", "hello", 0)
		p.Set(ctx, "session", "of somebody", 0)
		p.ExpireAt(ctx, "session", expiry)
		p.Set(ctx, "binary", "\x00\xff\r\n\x01", 0)
		p.HSet(ctx, "cart", "apples", 3, "pears", 4)
		p.RPush(ctx, "jobs", "first", "second", "third")
		p.SAdd(ctx, "tags", "a", "b", "c")
		p.SAdd(ctx, "numbers", 1, 2, 3)
		p.ZAdd(ctx, "scores", redis.Z{Score: 1.5, Member: "one"}, redis.Z{Score: -2, Member: "two"})
		p.XAdd(ctx, &redis.XAddArgs{Stream: "events", ID: "1-1", Values: []string{"kind", "order"}})
		p.XGroupCreate(ctx, "events", "readers", "0")
		p.PFAdd(ctx, "visitors", "ann", "bob", "cy")
		p.SetBit(ctx, "days", 364, 1)
		p.GeoAdd(ctx, "places", &redis.GeoLocation{Name: "Palermo", Longitude: 13.361389, Latitude: 38.115556})
		for i := range 20 {
			p.Set(ctx, fmt.Sprintf("key:%d", i), i, 0)
		}
		p.Select(ctx, 3)
		p.Set(ctx, "elsewhere", "in database 3", 0)
		p.HSet(ctx, "expiring", "in", "database 3")
		p.ExpireAt(ctx, "expiring", expiry)
		p.Select(ctx, 0)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// datasetOf reads everything that a store has.
func datasetOf(t *testing.T, client *redis.Client) dataset {
	t.Helper()
	ctx := t.Context()
	conn := client.Conn()
	defer func() { _ = conn.Close() }()
	found := dataset{}
	for database := range 16 {
		if err := conn.Select(ctx, database).Err(); err != nil {
			t.Fatal(err)
		}
		for cursor, first := uint64(0), true; first || cursor != 0; first = false {
			keys, next, err := conn.Scan(ctx, cursor, "", 1000).Result()
			if err != nil {
				t.Fatal(err)
			}
			if err := found.describe(ctx, conn, database, keys); err != nil {
				t.Fatal(err)
			}
			cursor = next
		}
	}
	_ = conn.Select(ctx, 0)
	return found
}

func (c dataset) describe(ctx context.Context, conn *redis.Conn, database int, keys []string) error {
	kinds, expiries, values := make([]*redis.StatusCmd, len(keys)), make([]*redis.DurationCmd, len(keys)),
		make([]*redis.StringCmd, len(keys))
	_, err := conn.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, key := range keys {
			kinds[i], expiries[i], values[i] = p.Type(ctx, key), p.PExpireTime(ctx, key), p.Dump(ctx, key)
		}
		return nil
	})
	for i, key := range keys {
		if err != nil {
			return err
		}
		value := values[i].Val()
		switch kinds[i].Val() { // a dump of these has an order that is each server's own
		case "hash":
			value, err = inOrder(conn.HGetAll(ctx, key).Result())
		case "set":
			members, failed := conn.SMembers(ctx, key).Result()
			slices.Sort(members)
			value, err = strings.Join(members, "\x00"), failed
		}
		c[fmt.Sprintf("%d/%s", database, key)] = fmt.Sprintf("%s, expires %d, %x", kinds[i].Val(), expiries[i].Val(),
			sha256.Sum256([]byte(value)))
	}
	return err
}

func inOrder(fields map[string]string, err error) (string, error) {
	var b strings.Builder
	for _, field := range slices.Sorted(maps.Keys(fields)) {
		fmt.Fprintf(&b, "%q=%q\n", field, fields[field])
	}
	return b.String(), err
}

// lacks says which of the keys are not there, or not the same; what is there beside them is somebody's news.
func (c dataset) lacks(want dataset) string {
	var missing []string
	for _, key := range slices.Sorted(maps.Keys(want)) {
		if c[key] != want[key] {
			missing = append(missing, fmt.Sprintf("%s: %q, want %q", key, c[key], want[key]))
		}
	}
	if len(missing) > 5 {
		missing = append(missing[:5], fmt.Sprintf("and %d more", len(missing)-5))
	}
	return strings.Join(missing, "\n")
}

// expectServed wants each app to have, under the name of its attachment, the URL of a store with all that was seeded.
func (l *lab) expectServed(apps map[string]string, seeded dataset) {
	l.Helper()
	for _, app := range slices.Sorted(maps.Keys(apps)) {
		if missing := l.served(app, apps[app]).lacks(seeded); missing != "" {
			l.Errorf("%s_URL of %s leads to a store that lacks data:\n%s", apps[app], app, missing)
		}
	}
}

// served is what an app finds at the URL in its config var. A private store is asked by an app inside.
func (l *lab) served(app, attachment string) dataset {
	l.Helper()
	at, err := l.client.AppAttachment(l.Context(), app, attachment)
	if err != nil {
		l.Errorf("%s has no attachment %s: %v", app, attachment, err)
		return nil
	}
	value, set, err := l.client.ConfigVar(l.Context(), at.AppID, attachment+"_URL")
	info, infoErr := l.client.Store(l.Context(), at.AddOnID)
	if err != nil || infoErr != nil || !set || value != info.ResourceURL.Reveal() {
		l.Errorf("%s_URL of %s is not the URL of its store (set: %v, %v, %v)", attachment, app, set, err, infoErr)
		return nil
	}
	client := l.RedisFrom(l.T, at.OwnerAppName, string(at.AddOnID))
	defer func() { _ = client.Close() }()
	return datasetOf(l.T, client)
}

// configVars are the names that an app has, or none when there is no such app.
func (l *lab) configVars(app string) []string {
	l.Helper()
	found, err := l.client.FindApp(l.Context(), app)
	if heroku.IsNotFound(err) {
		return nil
	}
	names, err := l.client.ConfigVarNames(l.Context(), found.ID)
	if err != nil {
		l.Fatal(err)
	}
	return names
}
