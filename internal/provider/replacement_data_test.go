// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
)

// seedMegabytes adds keys of two kilobytes each, which cannot be compressed.
func seedMegabytes(t *testing.T, client *redis.Client, megabytes int) {
	t.Helper()
	random := rand.NewChaCha8([32]byte{})
	value := make([]byte, 2<<10)
	for n := range megabytes {
		_, err := client.Pipelined(t.Context(), func(p redis.Pipeliner) error {
			for i := range 512 {
				_, _ = random.Read(value)
				p.Set(t.Context(), fmt.Sprintf("large:%d:%d", n, i), bytes.Clone(value), 0)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// megabytes is how much moves; KVS_DATASET_MB=200 moves as much as a real store may have.
func megabytes(t *testing.T) int {
	t.Helper()
	if size := os.Getenv("KVS_DATASET_MB"); size != "" {
		n, err := strconv.Atoi(size)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	return 20
}

// Every type, every expiry, every database and many megabytes arrive as they were.
func TestAccReplacement_data(t *testing.T) {
	t.Parallel()
	for name, m := range map[string]move{
		"to another app": {before: twoApps("web", "premium-5", ""), after: twoApps("api", "premium-5", ""),
			apps: map[string]string{"orders-web": "REDIS", "orders-api": "REDIS"}},
		"into a space": {before: intoSpace("web", "premium-5", ""), after: intoSpace("inside", "private-7", ""),
			apps: map[string]string{"orders-inside": "REDIS"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, m.before)
			l.mustApply(m.before)
			redis := l.Redis(t, "orders-cache")
			seed(t, redis)
			seedMegabytes(t, redis, megabytes(t))
			seeded := datasetOf(t, redis)
			if want := 512*megabytes(t) + 34; len(seeded) != want {
				t.Fatalf("%d keys were seeded, want %d", len(seeded), want)
			}
			l.mustApply(m.after)
			l.expectServed(m.apps, seeded)
			if now := l.served("orders-"+map[bool]string{true: "inside", false: "api"}[name == "into a space"],
				"REDIS"); len(now) != len(seeded) {
				t.Errorf("the new store has %d keys, want %d", len(now), len(seeded))
			}
		})
	}
}

// customers use an app at every moment of a run: before and after each request of the provider, each app that serves
// writes to the store in its config var, and notes what was acknowledged. As Heroku's router does, they leave alone an
// app in maintenance mode, and an app without dynos.
type customers struct {
	*lab
	apps map[string]string

	mu           sync.Mutex
	turns        int
	acknowledged []string
}

func (c *customers) use() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for name, attachment := range c.apps {
		app, err := c.client.FindApp(c.Context(), name)
		if err != nil {
			c.Error(err)
			return
		}
		processes, err := c.client.Formation(c.Context(), app.ID)
		if err != nil {
			c.Error(err)
			return
		}
		dynos := 0
		for _, process := range processes {
			dynos += process.Quantity
		}
		if app.Maintenance || dynos == 0 {
			continue
		}
		at, err := c.client.AppAttachment(c.Context(), name, attachment)
		if err != nil {
			c.Errorf("%s has lost %s: %v", name, attachment, err)
			return
		}
		c.turns++
		redis := c.Redis(c.T, string(at.AddOnID))
		order := fmt.Sprintf("order:%d", c.turns)
		if err := redis.Set(c.Context(), order, name, 0).Err(); err != nil {
			c.Errorf("%s cannot write: %v", name, err)
		}
		c.acknowledged = append(c.acknowledged, order)
		_ = redis.Close()
	}
}

// lost are the orders that nobody finds any more.
func (c *customers) lost() []string {
	c.Helper()
	redis := c.Redis(c.T, "orders-cache")
	return slices.DeleteFunc(slices.Clone(c.acknowledged), func(order string) bool {
		return redis.Exists(c.Context(), order).Val() == 1
	})
}

// With the apps held no write is lost; without, the plan has said so, and the old store is kept.
func TestAccReplacement_customers(t *testing.T) {
	t.Parallel()
	apps := map[string]string{"orders-web": "REDIS", "orders-api": "SHARED"}
	begin := func(t *testing.T, terms string) (*lab, *customers) {
		l := newLab(t, twoApps("web", "premium-0", terms))
		l.mustApply(twoApps("web", "premium-0", terms))
		l.cli.Configure(twoApps("api", "premium-1", terms))
		return l, &customers{lab: l, apps: apps}
	}
	t.Run("held", func(t *testing.T) {
		t.Parallel()
		l, c := begin(t, heldStill)
		if plan := l.plan(); !acctest.Says("so that no write is lost").MatchString(plan.Output()) ||
			acctest.Says("may be lost").MatchString(plan.Output()) {
			t.Errorf("the plan says of the writes:\n%s", plan.Output())
		}
		if result := l.apply(mishap{kind: lookedAt, look: c.use}); result.Code != 0 {
			t.Fatalf("apply exited %d:\n%s", result.Code, result.Output())
		}
		if lost := c.lost(); len(lost) > 0 || len(c.acknowledged) < 20 {
			t.Errorf("of %d acknowledged orders these are lost: %v", len(c.acknowledged), lost)
		}
		if living := l.Living(); len(living) != 1 {
			t.Errorf("%+v live, want the new store alone", living)
		}
	})
	t.Run("not held", func(t *testing.T) {
		t.Parallel()
		l, c := begin(t, "")
		if plan := l.plan(); !acctest.Says("The attached apps go on writing meanwhile").MatchString(plan.Output()) {
			t.Errorf("the plan does not warn:\n%s", plan.Output())
		}
		if result := l.apply(mishap{kind: lookedAt, look: c.use}); result.Code != 0 {
			t.Fatalf("apply exited %d:\n%s", result.Code, result.Output())
		}
		// the positive control: customers do lose what they write between the copy and the move
		lost := c.lost()
		if len(lost) == 0 {
			t.Error("no order is lost, so the customers of the held apps prove nothing")
		}
		living := l.Living()
		if len(living) != 2 {
			t.Fatalf("%+v live, want the old store to be kept, whose copy nobody could prove", living)
		}
		kept := l.Redis(t, living[0].ID)
		for _, order := range lost {
			if kept.Exists(t.Context(), order).Val() != 1 {
				t.Errorf("%s is not in the old store either", order)
			}
		}
	})
}
