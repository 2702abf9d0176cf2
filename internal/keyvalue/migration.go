// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package keyvalue

import (
	"regexp"
	"slices"
	"strings"
)

// The names in this file are those of add-ons and attachments that mark the replacement of a store by a fork. All of them are
// derived from the id of the old store, so that any run finds both stores, and sees how far the replacement has come.

// ForkName is the name of the new store until it gets the name of the old one.
func ForkName(oldID string) string { return "kvs-fork-of-" + oldID }

// RetiredName is the name of the old store after the new one has got its name.
func RetiredName(name, oldID string) string { return name + retiredSuffix(oldID) }

// OriginalName is the reverse of RetiredName. It returns false if the name is not that of a retired store.
func OriginalName(name, oldID string) (string, bool) {
	original, retired := strings.CutSuffix(name, retiredSuffix(oldID))
	return original, retired
}

func retiredSuffix(oldID string) string { return "-retired-" + idPrefix(oldID) }

// MigrationMarker is the name of an attachment of the old store to its own app, which means that a replacement has begun. It
// also keeps the store attached while its other attachments are moved, since Heroku refuses to delete the last attachment on
// the owning app (Platform API reference, add-on attachments).
func MigrationMarker(oldID string) string { return "KVS_MIGRATING_" + strings.ToUpper(idPrefix(oldID)) }

// RetiredAttachment is the name of the attachment that replaces MigrationMarker when the old store is kept.
func RetiredAttachment(oldID string) string { return "KVS_RETIRED_" + strings.ToUpper(idPrefix(oldID)) }

// ForkAttachment is the name of the new store's first attachment, to its own app, so that no app reads the copy before it is
// complete. It is created together with the store, and stays after the replacement as the proof that this store has replaced
// the old one, for a state that still has the old id.
func ForkAttachment(oldID string) string { return forkPrefix + strings.ToUpper(idPrefix(oldID)) }

// Lease is the name of an attachment of the old store to its own app by which one run keeps others from changing or
// destroying anything. It contains the id of the run, so that two runs never hold the same lease.
func Lease(oldID, run string) string { return leasePrefix(oldID) + strings.ToUpper(run) }

// IsLease reports whether an attachment is a lease, of any run, on the replacement of this store.
func IsLease(name, oldID string) bool { return strings.HasPrefix(name, leasePrefix(oldID)) }

func leasePrefix(oldID string) string { return "KVS_LEASE_" + strings.ToUpper(idPrefix(oldID)) + "_" }

const forkPrefix = "KVS_FORK_"

var succession = regexp.MustCompile(`^` + forkPrefix + `[0-9A-F]{8}$`)

// IsSuccession reports whether an attachment is the proof that its store has replaced another one.
func IsSuccession(name string) bool { return succession.MatchString(name) }

// Succeeds reports whether a store has replaced the one with the id oldID. configVars are the store's on its owning app.
func Succeeds(configVars []string, oldID string) bool {
	return slices.Contains(configVars, ConfigVar(ForkAttachment(oldID)))
}

// Successions returns the names of the attachments that prove a replacement, from the config vars of a store on its owning app.
func Successions(configVars []string) []string {
	return slices.DeleteFunc(AttachmentNames(configVars), func(name string) bool { return !IsSuccession(name) })
}

// idPrefix returns a part of a UUID that is long enough to distinguish the stores of one account.
func idPrefix(id string) string {
	const digits = 8
	return id[:min(digits, len(id))]
}
