// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

// Package faultmatrix proves that nothing is lost: every resource meets every fault, on a real CLI. It has tests only.
//
// matrix_test.go is resources × faults, the stories are what does not fit into a matrix, and the soaks are random faults
// over a larger configuration and the death of the provider after each of its requests. What must hold after each of
// them is checked by Experiment. `make soak` runs the long form and prints what was tried.
package faultmatrix
