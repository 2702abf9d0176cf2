//go:build bench

// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"cmp"
	"os"
	"testing"
)

// The small workloads have the same bounds for requests as the large ones. Time and memory are meaningful only on an idle machine.
func TestSmallWorkloadsAreWithinTheirBounds(t *testing.T) {
	t.Parallel()
	b, err := measure(t.Context(), cmp.Or(os.Getenv("TF_ACC_TERRAFORM_PATH"), "terraform"), "", quick, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + markdown(b.rows))
	if err := exceeded(b.rows, false); err != nil {
		t.Error(err)
	}
	if len(b.rows) < 20 {
		t.Errorf("%d rows: a workload is missing", len(b.rows))
	}
}
