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

// That a copy is complete is shown by the stores themselves, as far as they can be reached from here. No part of a URL is
// in what is said of it.

// Verification is what the servers of two stores show of the claim that one is a copy of the other.
type Verification int

// The results of a verification.
const (
	Inconclusive Verification = iota // they cannot be asked, or what they say decides nothing
	Verified
	Different
)

// Inspect asks the server of one of Heroku's stores. A *probe.Unreachable says why it cannot be asked; any other error is
// the API's, or an interrupt.
type Inspect func(context.Context, heroku.AddOnID) (probe.Report, error)

// ReasonNotAsked is why nothing is known of a server where connecting to any is switched off.
const ReasonNotAsked probe.Reason = "off"

// VerifyCopy compares the keys of two stores of Heroku's. The sentence says both counts, or why nothing could be verified.
func (m *Manager) VerifyCopy(ctx context.Context, from, to heroku.AddOnID) (Verification, string, error) {
	ask := func(ctx context.Context) (probe.Report, error) { return m.inspect(ctx, from) }
	return m.compareKeys(ctx, endpoint{fmt.Sprintf("The store %s", from), ask}, m.copyAt(to))
}

// VerifyCopyOf is VerifyCopy for a source that is not Heroku's, and that the caller asks.
func (m *Manager) VerifyCopyOf(
	ctx context.Context, source func(context.Context) (probe.Report, error), to heroku.AddOnID,
) (Verification, string, error) {
	return m.compareKeys(ctx, endpoint{"The source", source}, m.copyAt(to))
}

func (m *Manager) copyAt(id heroku.AddOnID) endpoint {
	ask := func(ctx context.Context) (probe.Report, error) { return m.inspect(ctx, id) }
	return endpoint{fmt.Sprintf("The copy %s", id), ask}
}

// endpoint is a server that is asked for its keys.
type endpoint struct {
	name string // begins a sentence
	ask  func(context.Context) (probe.Report, error)
}

const (
	attempts        = 6 // at the copy, the pauses between them growing by pause
	mostUnreachable = 3 // how many of them may find a store out of reach
	pause           = time.Second
)

// permanent are the reasons that do not pass by waiting.
var permanent = []probe.Reason{ReasonNotAsked, probe.ReasonDNS, probe.ReasonCertificate, probe.ReasonCleartext}

// compareKeys looks at the copy between two looks at the source, and again while they differ: expired keys are not
// removed on both sides at once. What proves nothing in one of the looks is not refuted by the others.
func (m *Manager) compareKeys(ctx context.Context, source, copied endpoint) (Verification, string, error) {
	var before *probe.Report
	var unknown, undecided, different string
	for n, misses := 0, 0; n < attempts && misses < mostUnreachable; n++ {
		if err := m.client.Clock().Sleep(ctx, time.Duration(n)*pause); err != nil {
			return Inconclusive, "", err
		}
		result, said, err := compareOnce(ctx, source, copied, &before)
		var away *probe.Unreachable
		switch {
		case errors.As(err, &away):
			unknown = said
			if misses++; slices.Contains(permanent, away.Reason) {
				misses = mostUnreachable
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

// compareOnce leaves the last look at the source for the next time.
func compareOnce(ctx context.Context, source, copied endpoint, before **probe.Report) (keyvalue.CopyState, string, error) {
	var reports [3]probe.Report
	for i, of := range []endpoint{source, copied, source} {
		if i == 0 && *before != nil {
			reports[0] = **before
			continue
		}
		report, err := of.ask(ctx)
		var away *probe.Unreachable
		if errors.As(err, &away) {
			*before = nil
			return keyvalue.CopyUndecided, fmt.Sprintf("%s is not reachable from here: %s.", of.name, away.Detail), err
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

// Keyspace is nil when the server does not count its keys.
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
