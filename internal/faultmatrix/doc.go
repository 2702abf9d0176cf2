// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

// Package faultmatrix tests every resource with every fault, on a real CLI. It has tests only.
//
// matrix_test.go has all combinations of resources and faults, the soak tests inject random faults into a larger configuration and
// kill the provider after each of its requests, and the other files have what does not fit into a matrix. Experiment checks the same
// invariants after each of them. `make soak` runs the long form and prints what was tried.
package faultmatrix
