// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

// Package keyvalue models Heroku Key-Value Store: its plans and where they may run, the settings, names and URLs
// of a store, and what a change of its plan or its app means for its data.
//
// It uses the standard library only, and has no I/O and no global state. The facts come from the Dev Center
// articles "Heroku Key-Value Store" and "Heroku Key-Value Store and Private Spaces", and from the plan table of
// the Elements marketplace. Heroku may add plans: every function accepts a plan that is not in the catalogue,
// and knows nothing about it.
package keyvalue
