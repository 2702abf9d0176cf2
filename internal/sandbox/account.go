// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"net/http"
	"time"
)

type user struct {
	ID, Email, Name string
	CreatedAt       time.Time
}

type accountBody struct {
	AllowTracking           bool    `json:"allow_tracking"`
	Beta                    bool    `json:"beta"`
	CountryOfResidence      *string `json:"country_of_residence"`
	CreatedAt               string  `json:"created_at"`
	DefaultOrganization     *idName `json:"default_organization"`
	DefaultTeam             *idName `json:"default_team"`
	DelinquentAt            *string `json:"delinquent_at"`
	Email                   string  `json:"email"`
	Federated               bool    `json:"federated"`
	ID                      string  `json:"id"`
	IdentityProvider        *string `json:"identity_provider"`
	LastLogin               *string `json:"last_login"`
	Name                    *string `json:"name"`
	SMSNumber               *string `json:"sms_number"`
	SuspendedAt             *string `json:"suspended_at"`
	TwoFactorAuthentication bool    `json:"two_factor_authentication"`
	UpdatedAt               string  `json:"updated_at"`
	Verified                bool    `json:"verified"`
}

func getAccount(c *call) (int, any, error) {
	body := accountBody{
		AllowTracking:           true,
		CreatedAt:               stamp(c.user.CreatedAt),
		Email:                   c.user.Email,
		ID:                      c.user.ID,
		Name:                    &c.user.Name,
		TwoFactorAuthentication: true,
		UpdatedAt:               stamp(c.user.CreatedAt),
		Verified:                true,
	}
	if t := c.w.defaultTeam(c.user); t != nil {
		body.DefaultTeam = &idName{t.ID, t.Name}
		body.DefaultOrganization = body.DefaultTeam
	}
	return http.StatusOK, body, nil
}

// checkSelf refuses paths of other users.
func (c *call) checkSelf() error {
	if ref := c.PathValue("user"); ref != "~" && ref != c.user.ID && ref != c.user.Email {
		return notFound("user", "user")
	}
	return nil
}

func getUser(c *call) (int, any, error) {
	if err := c.checkSelf(); err != nil {
		return 0, nil, err
	}
	return getAccount(c)
}

func listUserApps(c *call) (int, any, error) {
	if err := c.checkSelf(); err != nil {
		return 0, nil, err
	}
	return listApps(c)
}

func getRateLimit(c *call) (int, any, error) {
	return http.StatusOK, map[string]int{"remaining": c.s.limiter.remaining(c.user.ID, c.now)}, nil
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
