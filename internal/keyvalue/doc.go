// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

// Package keyvalue says what Heroku Key-Value Store is: its plans and where they may run, the settings of a
// store, the names and URLs it goes by, and what a change of its plan or its app means for the data in it.
//
// It is pure: standard library only, no I/O (names take their randomness from the caller), no global state.
// The facts come from the Dev Center articles "Heroku Key-Value Store", "Heroku Key-Value Store and Private
// Spaces" and the plan table of the Elements marketplace. Plan names are an open set: a plan that the
// catalogue does not know is legal everywhere in this package and simply has no facts.
package keyvalue
