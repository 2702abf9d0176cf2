// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

// Package docs has tests only: of the words, links, configurations and commands in README.md, docs/ and templates/, of the
// tables there that come from package keyvalue, and of the actions that workflows use.
package docs
