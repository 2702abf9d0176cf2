// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/provider"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// configured is the provider as users have it: it knows of the sandbox only what its configuration says.
var configured = map[string]func() (tfprotov6.ProviderServer, error){
	"kvs": providerserver.NewProtocol6WithError(provider.New("test")()),
}

func providerBlock(url, token string) string {
	return fmt.Sprintf(`
provider "kvs" {
  api_url      = %[1]q
  data_api_url = %[1]q
  api_key      = %[2]q
}
`, url, token)
}

func TestAccProvider_configuration(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	web := `
resource "kvs_app" "web" {
  name = "orders-web"
}

resource "kvs_app" "worker" {
  name = "orders-worker"
}
`
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: configured,
		CheckDestroy:             func(*terraform.State) error { return nil },
		Steps: []resource.TestStep{
			{ // a wrong token is one error for the whole run, before anything is asked for
				Config:      providerBlock(sb.URL(), "wrong-token") + web,
				ExpectError: acctest.Says("The token came from the provider's api_key attribute and is wrong, revoked or expired"),
			},
			{ // the right one creates what is configured
				Config: providerBlock(sb.URL(), sb.Token()) + web,
			},
			{ // a token that stops working says so before anything is read
				Config:      providerBlock(sb.URL(), "revoked-token") + web,
				ExpectError: acctest.Says("Unable to use the Heroku API"),
			},
			{ // none of that has touched the state
				Config:           providerBlock(sb.URL(), sb.Token()) + web,
				ConfigPlanChecks: noChange,
			},
		},
	})
	for _, request := range sb.Requests("[A-Z]+", ".*") {
		if !strings.HasPrefix(request.UserAgent, "terraform-provider-kvs/test (Terraform ") {
			t.Fatalf("user agent %q", request.UserAgent)
		}
	}
}

func TestAccProvider_unknownConfiguration(t *testing.T) {
	t.Parallel()
	// This provider's clock is the real one, so the sandbox's is too.
	sb := acctest.Start(t, func(o *sandbox.Options) { o.Clock, o.Provisioning = nil, time.Millisecond })
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: configured,
		Steps: []resource.TestStep{
			{ // a provider whose address is known only after apply plans what is new, and creates it
				Config: fmt.Sprintf(`
resource "terraform_data" "sandbox" {
  input = %q
}

provider "kvs" {
  api_url      = terraform_data.sandbox.output
  data_api_url = terraform_data.sandbox.output
  api_key      = %q
}

resource "kvs_app" "web" {
  name = "orders-web"
}

resource "kvs_app" "worker" {
  name = "orders-worker"
}

resource "kvs_instance" "cache" {
  app_id              = kvs_app.web.id
  plan                = "mini"
  deletion_protection = false
}

resource "kvs_attachment" "shared" {
  instance_id = kvs_instance.cache.id
  app_id      = kvs_app.worker.id
  name        = "REDIS"
}
`, sb.URL(), sb.Token()),
				ConfigPlanChecks: actionOn(attachment, plancheck.ResourceActionCreate),
			},
		},
	})
}
