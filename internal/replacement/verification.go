// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package replacement

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/probe"
)

// Verification is the result of comparing the keys of two stores, one of which should be a copy of the other.
type Verification int

// The results of a verification.
const (
	Inconclusive Verification = iota // a server cannot be reached, or the counts prove nothing
	Verified
	Different
)

// Inspect connects to the server of a store at Heroku and returns a report. The error is a *probe.Unreachable if the server cannot
// be inspected; any other error is from the API, or an interrupt.
type Inspect func(context.Context, heroku.AddOnID) (probe.Report, error)

// ReasonNotAsked is the reason of a *probe.Unreachable when connecting to stores is switched off.
const ReasonNotAsked probe.Reason = "off"

// VerifyCopy compares the keys of two stores at Heroku. The text has both counts, or says why the result is Inconclusive. It contains
// no part of a URL.
func (m *Manager) VerifyCopy(ctx context.Context, from, to heroku.AddOnID) (Verification, string, error) {
	ask := func(ctx context.Context) (probe.Report, error) { return m.inspect(ctx, from) }
	return m.compareKeys(ctx, endpoint{fmt.Sprintf("The store %s", from), ask}, m.copyAt(to))
}

// VerifyCopyOf is like VerifyCopy, but for a source outside of Heroku; the function source must return its report.
func (m *Manager) VerifyCopyOf(
	ctx context.Context, source func(context.Context) (probe.Report, error), to heroku.AddOnID,
) (Verification, string, error) {
	return m.compareKeys(ctx, endpoint{"The source", source}, m.copyAt(to))
}

func (m *Manager) copyAt(id heroku.AddOnID) endpoint {
	ask := func(ctx context.Context) (probe.Report, error) { return m.inspect(ctx, id) }
	return endpoint{fmt.Sprintf("The copy %s", id), ask}
}

// endpoint is a server whose keys are compared.
type endpoint struct {
	name string // as the beginning of a sentence
	ask  func(context.Context) (probe.Report, error)
}

const (
	attempts       = 6 // comparisons, with pauses that grow by pause
	maxUnreachable = 3 // how many attempts may fail because a server cannot be reached
	pause          = time.Second
)

// permanent are the reasons for which waiting does not help.
var permanent = []probe.Reason{ReasonNotAsked, probe.ReasonDNS, probe.ReasonCertificate, probe.ReasonCleartext}

// compareKeys inspects the source, the copy, and the source again, and repeats that while they differ, because two servers do not
// remove expired keys at the same time. If any comparison was undecided, the result is never Different.
func (m *Manager) compareKeys(ctx context.Context, source, copied endpoint) (Verification, string, error) {
	var before *probe.Report
	var unknown, undecided, different string
	for n, misses := 0, 0; n < attempts && misses < maxUnreachable; n++ {
		if err := m.client.Clock().Sleep(ctx, time.Duration(n)*pause); err != nil {
			return Inconclusive, "", err
		}
		result, said, err := compareOnce(ctx, source, copied, &before)
		var unreachable *probe.Unreachable
		switch {
		case errors.As(err, &unreachable):
			unknown = said
			if misses++; slices.Contains(permanent, unreachable.Reason) {
				misses = maxUnreachable
			}
		case err != nil:
			return Inconclusive, "", err
		case result == keyvalue.CopyComplete:
			return Verified, said, nil
		case result == keyvalue.CopyUndecided:
			undecided = said + " That proves nothing: keys are written or expire meanwhile, or are not counted at all."
		default:
			different = said
		}
	}
	switch {
	case undecided != "":
		return Inconclusive, undecided, nil
	case different != "":
		return Different, different, nil
	}
	return Inconclusive, unknown, nil
}

// compareOnce makes one comparison. It stores the last report of the source in before, for the next call.
func compareOnce(ctx context.Context, source, copied endpoint, before **probe.Report) (keyvalue.CopyState, string, error) {
	var reports [3]probe.Report
	for i, of := range []endpoint{source, copied, source} {
		if i == 0 && *before != nil {
			reports[0] = **before
			continue
		}
		report, err := of.ask(ctx)
		var unreachable *probe.Unreachable
		if errors.As(err, &unreachable) {
			*before = nil
			return keyvalue.CopyUndecided, fmt.Sprintf("%s is not reachable from here: %s.", of.name, unreachable.Detail), err
		}
		if err != nil {
			return keyvalue.CopyUndecided, "", err
		}
		reports[i] = report
	}
	*before = &reports[2]
	first, copy, last := Keyspace(reports[0]), Keyspace(reports[1]), Keyspace(reports[2])
	return keyvalue.CompareCopy(first, copy, last), fmt.Sprintf("%s has %s. %s has %s.", source.name, last, copied.name, copy), nil
}

// Keyspace returns the key counts of a report, or nil if the server does not report them.
func Keyspace(report probe.Report) keyvalue.Keyspace {
	if report.Keys == nil {
		return nil
	}
	keys := keyvalue.Keyspace{}
	for database, n := range report.Keys {
		keys[database] = keyvalue.KeyCount{Keys: n, Expiring: report.Expiring[database]}
	}
	return keys
}
