// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
)

func TestLongWholeNumber_refusal(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	of := func(lines ...string) string { return appAndStore("premium-0", lines...) }
	space := func(version string) string {
		return privateSpace(`log_drain_url_wo = "https://logs.example.com"`, "log_drain_url_wo_version = "+version)
	}
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{ // a fraction of a second is refused with the whole numbers around it, and blames nobody
				Config: `
variable "minutes" {
  default = 0.025
}
` + of("timeout = var.minutes * 60"),
				ExpectError: acctest.Says("a timeout of 1.5 seconds is not a whole number: write for example 1 or 2"),
			},
			{ // so is one that is known only when the apply comes to it
				Config: `
resource "terraform_data" "minutes" {
  input = 0.025
}
` + of("timeout = terraform_data.minutes.output * 60"),
				ExpectError: acctest.Says("a timeout of 1.5 seconds is not a whole number"),
			},
			{ // a number that nothing can hold
				Config:      of("timeout = 1e30"),
				ExpectError: acctest.Says("a timeout of 1e+30 seconds is more than 64 bits can hold: write for example 300"),
			},
			{ // or that Redis cannot
				Config:      of("timeout = 3000000000"),
				ExpectError: acctest.Says("a timeout of 3000000000 seconds is more than Redis can hold"),
			},
			{ // or that is below nothing
				Config:      of("timeout = -1"),
				ExpectError: acctest.Says("a timeout of -1 seconds is negative"),
			},
			{ // within an object
				Config:      of(`fork = { instance_id = "7c4e2a90-3b5d-4f8e-a1c6-d2e3f4a5b6c7", url_wo_version = 1.5 }`),
				ExpectError: acctest.Says("a version of 1.5 is not a whole number: write for example 1 or 2"),
			},
			{ // and of another resource
				Config:      space("0.5"),
				ExpectError: acctest.Says("a version of 0.5 is not a whole number: write for example 0 or 1"),
			},
			{ // a whole number may be the result of a calculation, and be written with a fraction of nothing
				Config:            of("timeout = 0.5 * 120.0"),
				ConfigStateChecks: []statecheck.StateCheck{storeHas("timeout", knownvalue.Int64Exact(60))},
			},
			{ // the same number in another way is no change
				Config:           of("timeout = 60.0"),
				ConfigPlanChecks: noChange,
			},
		},
	})
}

// The number that is wrong is there all the same: nobody says that it is missing.
func TestAccWholeNumber_oneError(t *testing.T) {
	t.Parallel()
	_, cli := workflow(t, privateSpace(`log_drain_url_wo = "https://logs.example.com"`, "log_drain_url_wo_version = 0.5"))
	if said := planOf(cli); strings.Count(said, "Error: ") != 1 || !strings.Contains(said, "is not a whole number") {
		t.Errorf("it says:\n%s", said)
	}
}
