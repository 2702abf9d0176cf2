// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"time"

	"golang.org/x/time/rate"
)

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

// onlySelf wraps a handler for /users/{user}, and answers 404 for any user but the caller.
func onlySelf(do handler) handler {
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

// limiter has one token bucket per account, which refills continuously over an hour of the sandbox's clock (Platform API reference,
// rate limits). Requests to the Data API, whose limits are undocumented, are not limited.
type limiter struct {
	perHour int
	buckets map[string]*rate.Limiter // by user id; guarded by Sandbox.mu
}

func (l limiter) bucket(userID string) *rate.Limiter {
	if l.buckets[userID] == nil {
		l.buckets[userID] = rate.NewLimiter(rate.Limit(l.perHour)/rate.Limit(time.Hour.Seconds()), l.perHour)
	}
	return l.buckets[userID]
}

func (l limiter) remaining(userID string, now time.Time) int {
	return int(l.bucket(userID).TokensAt(now))
}
