// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/replacement"
)

// What a change of each resource means. before is nil for a creation. The configuration of an object that exists is known
// here, so that what is unknown in its plan is only what follows from the change.

// change is an attribute as it is planned and as it was, and the method of an object in which it differs.
type change struct {
	planned, before attr.Value
	method          string
}

// methodOf is the method of the first of these that differs.
func methodOf(changes ...change) string {
	for _, c := range changes {
		if !c.planned.IsUnknown() && !c.planned.Equal(c.before) {
			return c.method
		}
	}
	return methodNothingSent
}

func (m instanceModel) impact(ctx context.Context, before *instanceModel) impact {
	if before == nil {
		created := harmless(methodCreate)
		created.Restarts, created.PriceBefore, created.PriceAfter = appsOf(m.AppID), types.Float64Value(0), m.MonthlyPrice
		if !m.Fork.IsNull() {
			created.Data = keyvalue.DataCopied
		}
		created.unknown = m.Fork.IsUnknown()
		return created
	}
	terms := m.terms(ctx)
	to := keyvalue.Impact(before.spec(), m.spec())
	i := outcome(to.Outcome(keyvalue.Terms{Empty: terms.recreates(), AppsHeld: terms.holds()}))
	i.PriceBefore, i.PriceAfter, i.Restarts = before.MonthlyPrice, m.MonthlyPrice, stringSet(nil)
	switch {
	case to.Method != keyvalue.NoChange:
		i.Restarts = before.AttachedApps
		if to.Method != keyvalue.InPlace && terms.retires() != replacement.RetireAlways {
			i.PriceAfter = sumOf(before.MonthlyPrice, m.MonthlyPrice)
		}
	case !before.ready():
		i.Method = methodResume
	default:
		i.Method = methodOf(
			change{m.AttachmentName, before.AttachmentName, methodAttach}, change{m.Name, before.Name, methodRename},
			change{m.Timeout, before.Timeout, methodSettings}, change{m.MaxmemoryPolicy, before.MaxmemoryPolicy, methodSettings},
			change{m.NotifyKeyspaceEvents, before.NotifyKeyspaceEvents, methodSettings},
			change{m.DeletionProtection, before.DeletionProtection, methodProtection})
	}
	if i.Method == methodAttach {
		i.Restarts, i.Interruption = appsOf(m.AppID), keyvalue.InterruptionBrief
	}
	return i
}

func sumOf(a, b types.Float64) types.Float64 {
	switch {
	case a.IsUnknown() || b.IsUnknown():
		return types.Float64Unknown()
	case a.IsNull() || b.IsNull():
		return types.Float64Null()
	}
	return types.Float64Value(a.ValueFloat64() + b.ValueFloat64())
}

// app is the attached app for a person: its name, or its UUID as long as that is all that is known.
func (m attachmentModel) app() types.String {
	if known(m.AppName) {
		return m.AppName
	}
	return m.AppID
}

func (m attachmentModel) impact(_ context.Context, before *attachmentModel) impact {
	i := impact{
		Method: methodAttach, Data: keyvalue.DataKept, URLChanges: keyvalue.URLStays, Interruption: keyvalue.InterruptionBrief,
		Restarts: appsOf(m.app()),
	}
	if before == nil {
		i.Interruption = keyvalue.InterruptionNone
		return i
	}
	i.Method = methodOf(
		change{m.AppID, before.AppID, methodMove}, change{m.InstanceID, before.InstanceID, methodRepoint}, change{m.Name, before.Name, methodRename})
	switch i.Method {
	case methodMove:
		i.Restarts = appsOf(m.app(), before.app())
	case methodRepoint:
		i.URLChanges = keyvalue.URLChangesNow
	case methodNothingSent:
		return harmless(methodNothingSent)
	}
	return i
}

func (m privateSpaceModel) impact(_ context.Context, before *privateSpaceModel) impact {
	i, price := harmless(methodCreate), priceOfSpace(m.Shield)
	i.PriceBefore, i.PriceAfter = types.Float64Value(0), price
	if before != nil {
		i.PriceBefore, i.Method = price, methodOf(
			change{m.Team, before.Team, methodTransfer}, change{m.Name, before.Name, methodRename},
			change{m.LogDrainURLVersion, before.LogDrainURLVersion, methodLogDrain},
			change{m.DeletionProtection, before.DeletionProtection, methodProtection})
	}
	return i
}

func priceOfSpace(shield types.Bool) types.Float64 {
	if shield.IsUnknown() {
		return types.Float64Unknown()
	}
	return types.Float64Value(float64(keyvalue.SpacePriceCents(shield.ValueBool())) / 100)
}

func (m trustedRangesModel) impact(_ context.Context, before *trustedRangesModel) impact {
	i := harmless(methodRanges)
	if m.Ranges.IsUnknown() {
		return impact{unknown: true}
	}
	after := m.sources()
	if before == nil || known(m.SpaceID) && !m.SpaceID.Equal(before.SpaceID) {
		i.Admits = stringSet(after)
		return i
	}
	now := before.sources()
	i.Admits, i.ShutsOut = stringSet(beyond(after, now)), stringSet(beyond(now, after))
	if len(i.Admits.Elements())+len(i.ShutsOut.Elements()) == 0 && m.Applied.Equal(before.Applied) {
		i.Method = methodNothingSent
	}
	return i
}

// beyond are the ranges of a that are not in b, in whatever spelling.
func beyond(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(one string) bool {
		return slices.ContainsFunc(b, func(other string) bool { return keyvalue.SameCIDR(one, other) })
	})
}

func (m appModel) impact(_ context.Context, before *appModel) impact {
	if before == nil {
		return harmless(methodCreate)
	}
	return harmless(methodOf(
		change{m.Team, before.Team, methodTransfer}, change{m.Name, before.Name, methodRename},
		change{m.Maintenance, before.Maintenance, methodMaintenance}))
}

func (m maintenanceWindowModel) impact(context.Context, *maintenanceWindowModel) impact {
	return harmless(methodWindow)
}
