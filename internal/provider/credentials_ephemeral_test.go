// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"crypto/tls"
	"fmt"
	"maps"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/echoprovider"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
	"github.com/redis/go-redis/v9"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// withEcho adds the provider that shows ephemeral values to a test, by keeping them in its state.
func withEcho(sb *acctest.Sandbox) map[string]func() (tfprotov6.ProviderServer, error) {
	factories := maps.Clone(sb.Factories())
	factories["echo"] = echoprovider.NewProviderServer()
	return factories
}

func TestAccCredentials_open(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	shown := func(attribute string, value knownvalue.Check) statecheck.StateCheck {
		return statecheck.ExpectKnownValue("echo.shown", tfjsonpath.New("data").AtMapKey(attribute), value)
	}
	// reaches says that the URL opens the store, and that the parts beside it are the URL's.
	reaches := func(url string) error {
		options, err := redis.ParseURL(url)
		if err != nil {
			return err
		}
		options.TLSConfig = &tls.Config{InsecureSkipVerify: true} // the sandbox's certificate is self-signed, as Heroku's are
		client := redis.NewClient(options)
		defer func() { _ = client.Close() }()
		return client.Ping(t.Context()).Err()
	}
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: withEcho(sb),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{ // the credentials of a store that is made in the same run are read once it is there, and they work
				Config: appAndStore("premium-0") + `
ephemeral "kvs_credentials" "cache" {
  instance_id = kvs_instance.cache.id
}

provider "echo" {
  data = ephemeral.kvs_credentials.cache
}

resource "echo" "shown" {}
`,
				ConfigStateChecks: []statecheck.StateCheck{
					shown("url", knownvalue.StringFunc(reaches)),
					shown("host", knownvalue.StringExact("127.0.0.1")),
					shown("port", knownvalue.NotNull()),
					shown("username", knownvalue.StringExact("h")),
					shown("password", knownvalue.NotNull()),
					shown("tls", knownvalue.Bool(true)),
				},
			},
		},
	})
}

func TestAccCredentials_refusal(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	someone := sb.Client(t)
	sb.Inject(sandbox.Fault{Match: sandbox.Match{Method: "POST", Path: "/apps/*/addons"}, Do: sandbox.Effect{Provisioning: "stuck"}})
	slow, err := someone.CreateAddOn(t.Context(), mustCreateApp(t, someone, "orders-web").ID, heroku.AddOnCreate{Plan: "heroku-redis:mini", Name: "orders-slow"})
	if err != nil {
		t.Fatal(err)
	}
	of := func(id string) string {
		return fmt.Sprintf("ephemeral \"kvs_credentials\" \"cache\" {\n  instance_id = %q\n}\n", id)
	}
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		Steps: []resource.TestStep{
			{ // a store that does not become ready has no credentials, and the error says how long it was waited for
				Config:      of(string(slow.ID)),
				ExpectError: acctest.Says(fmt.Sprintf("waiting for add-on %s to be provisioned: timed out after 15m", slow.ID)),
			},
			{ // a store that does not exist is Heroku's to deny
				Config:      of("00000000-0000-4000-8000-000000000000"),
				ExpectError: acctest.Says("Key-Value Store not found"),
			},
			{ // a name is no id
				Config:      of("orders-slow"),
				ExpectError: acctest.Says("give a UUID in lower case"),
			},
		},
	})
}
