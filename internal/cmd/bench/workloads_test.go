//go:build bench

// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"os"
	"testing"
)

// The quick form counts what the large one counts. Time and memory are for an idle machine.
func TestSmallWorkloadsAreWithinTheirBounds(t *testing.T) {
	t.Parallel()
	b, err := measure(t.Context(), os.Getenv("TF_ACC_TERRAFORM_PATH"), "", 10, quick, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + markdown(b.rows))
	if err := beyond(b.rows, false); err != nil {
		t.Error(err)
	}
	if len(b.rows) < 20 {
		t.Errorf("%d rows: a workload is missing", len(b.rows))
	}
}
