// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
)

func TestMain(m *testing.M) { acctest.Main(m) }
