// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

// Package release has tests only: of what .goreleaser.yml makes of the last commit (`make release-check`).
package release
