// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
)

// Whatever is not found, a list of what could have been meant is a command away.
func TestAccNotFound_saysWhatToCheck(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	const missing = "7c4e2a90-3b5d-4f8e-a1c6-d2e3f4a5b6c7"
	web := func(lines ...string) string {
		return "resource \"kvs_app\" \"web\" {\n  name = \"orders-web\"\n" + strings.Join(lines, "\n") + "\n}\n"
	}
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{ // a region that is none
				Config:      web(`region = "atlantis"`),
				ExpectError: acctest.Says(`Heroku has no region "atlantis" for an app outside of spaces. There are: eu, us.`),
			},
			{ // the team of an app
				Config:      web(`team = "no-such-team"`),
				ExpectError: acctest.Says("`heroku teams` lists the teams of an account"),
			},
			{ // and that of a space
				Config:      strings.Replace(privateSpace(), `"acme"`, `"no-such-team"`, 1),
				ExpectError: acctest.Says("`heroku teams` lists the teams of an account"),
			},
			{ // a space that is looked up
				Config:      "data \"kvs_private_space\" \"missing\" {\n  name = \"no-such-space\"\n}\n",
				ExpectError: acctest.Says("`heroku spaces` lists the spaces of an account"),
			},
			{ // a store by its attachment
				Config:      web() + "data \"kvs_instance\" \"missing\" {\n  app_id = kvs_app.web.id\n  attachment_name = \"OTHER\"\n}\n",
				ExpectError: acctest.Says("`heroku addons --app NAME` lists the attachments of an app"),
			},
			{ // the store of a usage, by its id
				Config:      "data \"kvs_usage\" \"missing\" {\n  instance_id = \"" + missing + "\"\n}\n",
				ExpectError: acctest.Says("`heroku addons --all` lists the add-ons of an account"),
			},
			{ // and of a maintenance
				Config:      "data \"kvs_maintenance\" \"missing\" {\n  instance_id = \"" + missing + "\"\n}\n",
				ExpectError: acctest.Says("`heroku addons --all` lists the add-ons of an account"),
			},
		},
	})
}
