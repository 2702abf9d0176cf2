// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package keyvalue

import (
	"regexp"
	"slices"
	"strings"
)

// A store that is replaced by a fork leaves marks at Heroku, all of them derived from its own id. They find both stores
// again, and tell how far the replacement has come, whatever became of the run that began it.

// ForkName is the name of the new store until it takes over the old one's.
func ForkName(oldID string) string { return "kvs-fork-of-" + oldID }

// RetiredName is the name of the old store after it has given its own away.
func RetiredName(name, oldID string) string { return name + retiredSuffix(oldID) }

// OriginalName is the reverse of RetiredName; false when the name is not that of a retired store.
func OriginalName(name, oldID string) (string, bool) {
	original, retired := strings.CutSuffix(name, retiredSuffix(oldID))
	return original, retired
}

func retiredSuffix(oldID string) string { return "-retired-" + idPrefix(oldID) }

// MigrationMarker is the attachment of the old store to its own app that says that a replacement is under way. It also
// keeps the store attached while its other attachments change hands, since Heroku never removes the last one on the
// owning app (Platform API reference, add-on attachments).
func MigrationMarker(oldID string) string { return "KVS_MIGRATING_" + strings.ToUpper(idPrefix(oldID)) }

// RetiredAttachment is what MigrationMarker becomes when the old store is kept.
func RetiredAttachment(oldID string) string { return "KVS_RETIRED_" + strings.ToUpper(idPrefix(oldID)) }

// ForkAttachment is the first attachment of the new store, on its own app: no app is to read a copy that is not complete.
// It is ordered together with the store and stays after the replacement, because it is the proof of succession: a state
// that still has the id of the old store learns by it that this store has replaced that one.
func ForkAttachment(oldID string) string { return forkPrefix + strings.ToUpper(idPrefix(oldID)) }

// Lease is the attachment of the old store to its own app by which one run keeps others from moving or destroying
// anything. It bears the id of the run, so that no two runs can take the same one for their own.
func Lease(oldID, run string) string { return leasePrefix(oldID) + strings.ToUpper(run) }

// IsLease reports whether an attachment is a lease on the replacement of this store, of any run.
func IsLease(name, oldID string) bool { return strings.HasPrefix(name, leasePrefix(oldID)) }

func leasePrefix(oldID string) string { return "KVS_LEASE_" + strings.ToUpper(idPrefix(oldID)) + "_" }

const forkPrefix = "KVS_FORK_"

var succession = regexp.MustCompile(`^` + forkPrefix + `[0-9A-F]{8}$`)

// IsSuccession reports whether an attachment is the proof that its store has replaced another one.
func IsSuccession(name string) bool { return succession.MatchString(name) }

// Succeeds reports whether a store has replaced the one with this id. configVars are its own on the app that owns it.
func Succeeds(configVars []string, oldID string) bool {
	return slices.Contains(configVars, ConfigVar(ForkAttachment(oldID)))
}

// Successions are the proofs among the config vars of a store on its own app, as names of attachments.
func Successions(configVars []string) []string {
	return slices.DeleteFunc(AttachmentNames(configVars), func(name string) bool { return !IsSuccession(name) })
}

// idPrefix is enough of a UUID to tell the stores of one account apart.
func idPrefix(id string) string {
	const digits = 8
	return id[:min(digits, len(id))]
}
