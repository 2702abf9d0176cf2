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

func differs(planned, before attr.Value) bool { return !planned.IsUnknown() && !planned.Equal(before) }

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
	change := keyvalue.Impact(before.spec(), m.spec())
	i := outcome(change.Outcome(keyvalue.Terms{Empty: terms.recreates(), AppsHeld: terms.holds()}))
	i.PriceBefore, i.PriceAfter, i.Restarts = before.MonthlyPrice, m.MonthlyPrice, stringSet(nil)
	switch {
	case change.Method == keyvalue.NewStore || change.Method == keyvalue.Refused:
		i.Restarts = before.AttachedApps
		if terms.retires() != replacement.RetireAlways {
			i.PriceAfter = sumOf(before.MonthlyPrice, m.MonthlyPrice)
		}
	case change.Method == keyvalue.InPlace:
		i.Restarts = before.AttachedApps
	case !before.ready():
		i.Method = methodResume
	case differs(m.AttachmentName, before.AttachmentName):
		i.Method, i.Restarts, i.Interruption = methodAttach, appsOf(m.AppID), keyvalue.InterruptionBrief
	case differs(m.Name, before.Name):
		i.Method = methodRename
	case differs(m.Timeout, before.Timeout) || differs(m.MaxmemoryPolicy, before.MaxmemoryPolicy) ||
		differs(m.NotifyKeyspaceEvents, before.NotifyKeyspaceEvents):
		i.Method = methodSettings
	case differs(m.DeletionProtection, before.DeletionProtection):
		i.Method = methodProtection
	default:
		i.Method = methodNothingSent
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

func (m attachmentModel) impact(_ context.Context, before *attachmentModel) impact {
	i := impact{
		Method: methodAttach, Data: keyvalue.DataKept, URLChanges: keyvalue.URLStays, Interruption: keyvalue.InterruptionBrief,
		Restarts: appsOf(m.AppID),
	}
	switch {
	case before == nil:
		i.Interruption = keyvalue.InterruptionNone
	case differs(m.AppID, before.AppID):
		i.Method, i.Restarts = methodMove, appsOf(m.AppID, before.AppID)
	case differs(m.InstanceID, before.InstanceID):
		i.Method, i.URLChanges = methodRepoint, keyvalue.URLChangesNow
	case differs(m.Name, before.Name):
		i.Method = methodRename
	default:
		return harmless(methodNothingSent)
	}
	return i
}

func (m privateSpaceModel) impact(_ context.Context, before *privateSpaceModel) impact {
	switch {
	case before == nil:
		return harmless(methodCreate)
	case differs(m.Team, before.Team):
		return harmless(methodTransfer)
	case differs(m.Name, before.Name):
		return harmless(methodRename)
	case differs(m.LogDrainURLVersion, before.LogDrainURLVersion):
		return harmless(methodLogDrain)
	case differs(m.DeletionProtection, before.DeletionProtection):
		return harmless(methodProtection)
	}
	return harmless(methodNothingSent)
}

func (m trustedRangesModel) impact(_ context.Context, before *trustedRangesModel) impact {
	i := harmless(methodRanges)
	if m.Ranges.IsUnknown() {
		return impact{unknown: true}
	}
	after := m.sources()
	if before == nil || differs(m.SpaceID, before.SpaceID) {
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
	switch {
	case before == nil:
		return harmless(methodCreate)
	case differs(m.Team, before.Team):
		return harmless(methodTransfer)
	case differs(m.Name, before.Name):
		return harmless(methodRename)
	case differs(m.Maintenance, before.Maintenance):
		return harmless(methodMaintenance)
	}
	return harmless(methodNothingSent)
}

func (m maintenanceWindowModel) impact(context.Context, *maintenanceWindowModel) impact {
	return harmless(methodWindow)
}
