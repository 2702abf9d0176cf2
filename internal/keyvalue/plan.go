// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package keyvalue

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Service is the name of the add-on service, from the time when the product was called Heroku Redis.
const Service = "heroku-redis"

// PlanName is the short canonical name of a plan, such as "premium-0".
type PlanName string

var (
	planNamePattern = regexp.MustCompile(`^[a-z][a-z0-9]*([._-][a-z0-9]+)*$`)
	uuidPattern     = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
)

// ParsePlanName parses the name of a plan: "premium-0", "heroku-redis:premium-0", or "hobby-dev", the old name of mini.
// A plan that is not in the catalogue is no error: Heroku decides whether it exists.
func ParsePlanName(s string) (PlanName, error) {
	const example = `write a plan name such as "premium-0", or "heroku-redis:premium-0"`

	if s == "" {
		return "", errors.New("the plan is empty: " + example)
	}
	name := s
	if prefix, rest, found := strings.Cut(s, ":"); found {
		if prefix != Service {
			return "", fmt.Errorf("the plan %q belongs to the add-on service %q, not to %s: %s", s, prefix, Service, example)
		}
		name = rest
	}
	switch {
	case name == "" || name == Service:
		return "", fmt.Errorf("%q names the add-on service without a plan: %s", s, example)
	case uuidPattern.MatchString(name):
		return "", fmt.Errorf("%q is the id of a plan, not its name: %s", s, example)
	case !planNamePattern.MatchString(name):
		return "", fmt.Errorf("%q is not a plan name, which has lower-case letters and digits, in words joined by dashes: %s", s, example)
	case name == "hobby-dev":
		return "mini", nil
	}
	return PlanName(name), nil
}

// Wire returns the plan's name in the Platform API: "heroku-redis:premium-0".
func (p PlanName) Wire() string { return Service + ":" + string(p) }

// ShortPlanName returns a plan's name without its service. A name that cannot be parsed stays as it is.
func ShortPlanName(wire string) string {
	if plan, err := ParsePlanName(wire); err == nil {
		return string(plan)
	}
	return wire
}

// Class returns the plan's class from the catalogue, or else from the prefix of the name, so that it also works for plans
// that are newer than the catalogue. It returns false if the class is unknown.
func (p PlanName) Class() (RuntimeClass, bool) {
	if plan, ok := LookupPlan(p); ok {
		return plan.Class, true
	}
	prefix, _, _ := strings.Cut(string(p), "-")
	switch prefix {
	case "mini", "premium":
		return ClassCommon, true
	case "private":
		return ClassPrivate, true
	case "shield":
		return ClassShield, true
	}
	return "", false
}

// RuntimeClass is the kind of runtime that a plan runs in. A store never changes its class; that takes a new store.
type RuntimeClass string

const (
	ClassCommon  RuntimeClass = "common"  // mini and premium plans
	ClassPrivate RuntimeClass = "private" // inside the network of a Private Space
	ClassShield  RuntimeClass = "shield"  // inside the network of a Shield Private Space
)

// Plan is what Heroku publishes about a plan.
type Plan struct {
	Name  PlanName
	Class RuntimeClass

	MemoryMB          int  // MiB, as Redis counts its maxmemory
	ConnectionLimit   int  // clients at the same time
	VCPU              int  // of the server
	SharedCPU         bool // the vCPUs are shared with other stores
	MonthlyPriceCents *int // US cents; nil if not published

	HighAvailability  bool     // a standby takes over when the primary fails
	Persistence       string   // "AOF" (to disk every second) or "None"
	MaintenanceWindow bool     // there is a weekly window, which can be set
	RequiresTLS       bool     // true for all plans since December 2024
	SingleTenant      bool     // the host and port stay the same after a failover
	Compliance        []string // such as "HIPAA"
}

// MemoryBytes returns the memory limit in bytes, as Redis counts its maxmemory.
func (p Plan) MemoryBytes() int64 { return int64(p.MemoryMB) << 20 }

// memory returns the memory limit as the plan table shows it: "50 MB", "7 GB".
func (p Plan) memory() string {
	if p.MemoryMB%1024 == 0 {
		return fmt.Sprintf("%d GB", p.MemoryMB/1024)
	}
	return fmt.Sprintf("%d MB", p.MemoryMB)
}

// Summary returns the plan with its size and price, for lists: "private-7 (7 GB, $900.00 a month)".
func (p Plan) Summary() string {
	price := "price not published"
	if p.MonthlyPriceCents != nil {
		price = fmt.Sprintf("$%s a month", dollars(*p.MonthlyPriceCents))
	}
	return fmt.Sprintf("%s (%s, %s)", p.Name, p.memory(), price)
}

// Plans returns the published plans, by class and then by size, in a new slice.
func Plans() []Plan {
	plans := make([]Plan, len(catalogue))
	for i, row := range catalogue {
		plans[i] = row.plan()
	}
	return plans
}

// LookupPlan finds a published plan.
func LookupPlan(name PlanName) (Plan, bool) {
	i := slices.IndexFunc(catalogue, func(r planRow) bool { return r.name == name })
	if i < 0 {
		return Plan{}, false
	}
	return catalogue[i].plan(), true
}

// planRow holds the properties that differ from plan to plan; the others follow from the class.
type planRow struct {
	name                            PlanName
	memoryMB, connections, usd, cpu int // usd per month, and 0 if not published
}

const gb = 1024 // MB

// catalogue is the plan table of Dev Center (Heroku Key-Value Store and Private Spaces) and of the Elements
// marketplace. Heroku has no plans with the numbers 6, 8, 11 and 13.
var catalogue = []planRow{
	{"mini", 25, 20, 3, 2},
	{"premium-0", 50, 40, 15, 2},
	{"premium-1", 100, 80, 30, 2},
	{"premium-2", 250, 200, 60, 2},
	{"premium-3", 500, 400, 120, 2},
	{"premium-4", 750, 700, 0, 2},
	{"premium-5", 1 * gb, 1000, 200, 2},
	{"premium-7", 7 * gb, 10000, 750, 2},
	{"premium-9", 10 * gb, 25000, 1450, 4},
	{"premium-10", 25 * gb, 40000, 3500, 8},
	{"premium-12", 50 * gb, 65000, 6500, 16},
	{"premium-14", 100 * gb, 65000, 12500, 32},

	{"private-7", 7 * gb, 10000, 900, 2},
	{"private-9", 10 * gb, 25000, 1750, 4},
	{"private-10", 25 * gb, 40000, 4000, 8},
	{"private-12", 50 * gb, 65000, 7500, 16},
	{"private-14", 100 * gb, 65000, 14000, 32},

	{"shield-7", 7 * gb, 10000, 1100, 2},
	{"shield-9", 10 * gb, 25000, 2100, 4},
	{"shield-10", 25 * gb, 40000, 4800, 8},
	{"shield-12", 50 * gb, 65000, 9000, 16},
	{"shield-14", 100 * gb, 65000, 19600, 32},
}

func (r planRow) plan() Plan {
	mini := r.name == "mini"
	p := Plan{
		Name:              r.name,
		Class:             r.class(),
		MemoryMB:          r.memoryMB,
		ConnectionLimit:   r.connections,
		VCPU:              r.cpu,
		SharedCPU:         mini,
		HighAvailability:  !mini,
		Persistence:       "AOF",
		MaintenanceWindow: !mini,
		RequiresTLS:       true,
		SingleTenant:      r.memoryMB >= 7*gb,
	}
	if mini {
		p.Persistence = "None"
	}
	if r.usd > 0 {
		cents := r.usd * 100
		p.MonthlyPriceCents = &cents
	}
	if p.Class == ClassShield {
		p.Compliance = []string{"HIPAA", "PCI"}
	}
	return p
}

func (r planRow) class() RuntimeClass {
	switch {
	case strings.HasPrefix(string(r.name), "private-"):
		return ClassPrivate
	case strings.HasPrefix(string(r.name), "shield-"):
		return ClassShield
	}
	return ClassCommon
}
