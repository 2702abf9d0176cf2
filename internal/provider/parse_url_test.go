// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
)

func TestLongParseURL_inConfiguration(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		Steps: []resource.TestStep{
			{ // null is a mistake
				Config: `
output "parts" {
  value = provider::kvs::parse_url(null)
}
`,
				ExpectError: acctest.Says("must not be null"),
			},
			{ // and so is another kind of URL, at validate already
				Config: `
output "parts" {
  value = provider::kvs::parse_url("https://example.com")
}
`,
				ExpectError: acctest.Says(`Invalid value for "url" parameter`),
			},
			{ // a URL is split into its parts
				Config: `
output "parts" {
  value = provider::kvs::parse_url("rediss://h:p%40ss@redis.example.com:6380/2")
}
`,
				ConfigStateChecks: []statecheck.StateCheck{statecheck.ExpectKnownOutputValue("parts",
					knownvalue.ObjectExact(map[string]knownvalue.Check{
						"scheme": knownvalue.StringExact("rediss"), "tls": knownvalue.Bool(true),
						"host": knownvalue.StringExact("redis.example.com"), "port": knownvalue.Int64Exact(6380),
						"username": knownvalue.StringExact("h"), "password": knownvalue.StringExact("p@ss"),
						"database": knownvalue.Int64Exact(2),
					}))},
			},
			{ // a URL that is known only after apply gives parts that are, too
				Config: `
resource "terraform_data" "later" {
  input = "redis://redis.example.com"
}

output "host" {
  value = provider::kvs::parse_url(terraform_data.later.output).host
}
`,
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectUnknownOutputValue("host")}},
				ConfigStateChecks: []statecheck.StateCheck{
					statecheck.ExpectKnownOutputValue("host", knownvalue.StringExact("redis.example.com")),
				},
			},
		},
	})
}
