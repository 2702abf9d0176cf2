// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package keyvalue_test

import (
	"fmt"
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// Revisions are in Terraform states, and must not change with the version of the provider, so the expected values are fixed.
func TestCredentialsRevision(t *testing.T) {
	t.Parallel()
	const store, url = "01234567-89ab-cdef-0123-456789abcdef", "rediss://:p8f1c0de@ec2-203-0-113-40.compute-1.amazonaws.com:6380"
	if got, want := keyvalue.CredentialsRevision(store, url), int64(5253443687126496); got != want {
		t.Errorf("got %d, want %d", got, want)
	}
	for what, other := range map[string][2]string{
		"another password": {store, "rediss://:p8f1c0df@ec2-203-0-113-40.compute-1.amazonaws.com:6380"},
		"another port":     {store, "rediss://:p8f1c0de@ec2-203-0-113-40.compute-1.amazonaws.com:6381"},
		"another host":     {store, "rediss://:p8f1c0de@ec2-203-0-113-41.compute-1.amazonaws.com:6380"},
		"another scheme":   {store, "redis://:p8f1c0de@ec2-203-0-113-40.compute-1.amazonaws.com:6380"},
		"another store":    {"11234567-89ab-cdef-0123-456789abcdef", url},
	} {
		if keyvalue.CredentialsRevision(other[0], other[1]) == keyvalue.CredentialsRevision(store, url) {
			t.Errorf("%s has the same revision", what)
		}
	}
	seen := make(map[int64]bool)
	for i := range 10000 {
		revision := keyvalue.CredentialsRevision(store, fmt.Sprint(url, i))
		if revision < 1 || revision >= 1<<53 || int64(float64(revision)) != revision || seen[revision] {
			t.Fatalf("%d is not exact as a JSON number, or was seen before", revision)
		}
		seen[revision] = true
	}
}
