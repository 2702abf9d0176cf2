// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

// Package docs has tests only: of the prose of README.md, docs/ and templates/, its links, and the tables in it that come
// from package keyvalue.
package docs
