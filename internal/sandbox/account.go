// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import "time"

type user struct {
	ID, Email, Name string
	CreatedAt       time.Time
}

func getAccount(c *call) (any, error) {
	var team *idName // null for a user of no team
	if t := c.w.defaultTeam(c.user); t != nil {
		team = &idName{t.ID, t.Name}
	}
	return object{
		"id": c.user.ID, "name": c.user.Name, "email": c.user.Email,
		"created_at": stamp(c.user.CreatedAt), "updated_at": stamp(c.user.CreatedAt),
		"default_team": team, "default_organization": team,
		"allow_tracking": true, "two_factor_authentication": true, "verified": true, "beta": false, "federated": false,
		"country_of_residence": nil, "delinquent_at": nil, "identity_provider": nil, "last_login": nil,
		"sms_number": nil, "suspended_at": nil,
	}, nil
}

// self refuses paths of other users.
func self(do handler) handler {
	return func(c *call) (any, error) {
		if ref := c.PathValue("user"); ref != "~" && ref != c.user.ID && ref != c.user.Email {
			return nil, notFound("user", "user")
		}
		return do(c)
	}
}

func getRateLimit(c *call) (any, error) {
	return object{"remaining": c.s.limiter.remaining(c.user.ID, c.now)}, nil
}

// limiter has one token bucket per account, refilled continuously over an hour of the sandbox's clock
// (Platform API reference, rate limits). The Data API has its own, undocumented limits: it takes no tokens here.
type limiter struct {
	perHour float64
	buckets map[string]*bucket // by user id; guarded by Sandbox.mu
}

type bucket struct {
	tokens float64
	at     time.Time
}

func newLimiter(perHour int) limiter {
	return limiter{perHour: float64(perHour), buckets: map[string]*bucket{}}
}

func (l limiter) bucket(userID string, now time.Time) *bucket {
	b, ok := l.buckets[userID]
	if !ok {
		b = &bucket{tokens: l.perHour, at: now}
		l.buckets[userID] = b
	}
	b.tokens = min(l.perHour, b.tokens+now.Sub(b.at).Hours()*l.perHour)
	b.at = now
	return b
}

func (l limiter) remaining(userID string, now time.Time) int {
	return int(l.bucket(userID, now).tokens)
}

// take uses one token, and reports whether there was one.
func (l limiter) take(userID string, now time.Time) bool {
	b := l.bucket(userID, now)
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}
