// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package keyvalue

import "strings"

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

// MigrationMark is the attachment of the old store to its own app that says that a replacement is under way. It also
// keeps the store attached while its other attachments change hands, since Heroku never removes the last one on the
// owning app (Platform API reference, add-on attachments).
func MigrationMark(oldID string) string { return "KVS_MIGRATING_" + strings.ToUpper(idPrefix(oldID)) }

// RetiredAttachment is what MigrationMark becomes when the old store is kept.
func RetiredAttachment(oldID string) string { return "KVS_RETIRED_" + strings.ToUpper(idPrefix(oldID)) }

// ForkAttachment is the first attachment of the new store: no app is to read a copy that is not complete.
func ForkAttachment(oldID string) string { return "KVS_FORK_" + strings.ToUpper(idPrefix(oldID)) }

// idPrefix is enough of a UUID to tell the stores of one account apart.
func idPrefix(id string) string {
	const digits = 8
	return id[:min(digits, len(id))]
}
