// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

// Package docs has tests only: of the words, links and configurations in README.md, docs/ and templates/, and of the tables
// there that come from package keyvalue.
package docs
