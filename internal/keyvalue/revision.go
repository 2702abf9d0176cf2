// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package keyvalue

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
)

// revisionBits is how many bits a revision has: every language and every JSON reader keeps a whole number of that size exactly.
const revisionBits = 53

// CredentialsRevision is a number that changes whenever the URL of a store does. It may be shown to everybody: it has 53 bits of
// an HMAC-SHA-256 of the URL, whose password has 256 random ones, so that 2^203 passwords share each revision and none can be
// told from it. The key is the store's UUID, so that the revisions of two stores cannot be compared. Nothing else is in it: whoever
// reads the store's URL finds the same number, at any time and in any run. It is never 0, and has no order.
func CredentialsRevision(store, url string) int64 {
	mac := hmac.New(sha256.New, []byte("terraform-provider-kvs/credentials_revision/"+store))
	mac.Write([]byte(url))
	revision := binary.BigEndian.Uint64(mac.Sum(nil)) >> (64 - revisionBits)
	return int64(max(revision, 1))
}
