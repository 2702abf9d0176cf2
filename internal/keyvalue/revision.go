// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package keyvalue

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
)

// revisionBits is the size of a revision. Every language and JSON parser represents integers of 53 bits exactly.
const revisionBits = 53

// CredentialsRevision returns a number that changes whenever the URL of a store does. It is not secret: it is 53 bits of an
// HMAC-SHA-256 of the URL, whose password has 256 random bits, so that about 2^203 passwords share each revision and none can be
// derived from it. The key is the store's UUID, so that the revisions of two stores cannot be compared. The number depends on
// nothing else, and is the same in every run. It is never 0. Its order has no meaning.
func CredentialsRevision(store, url string) int64 {
	mac := hmac.New(sha256.New, []byte("terraform-provider-kvs/credentials_revision/"+store))
	mac.Write([]byte(url))
	revision := binary.BigEndian.Uint64(mac.Sum(nil)) >> (64 - revisionBits)
	return int64(max(revision, 1))
}
