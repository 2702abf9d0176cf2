// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"crypto/tls"
	"fmt"
	"maps"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"github.com/hashicorp/terraform-plugin-testing/echoprovider"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
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
	acctest.Test(t, resource.TestCase{
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

// What an app has under a name are the credentials of the store behind it.
func TestAccCredentials_ofAnAttachment(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	opened := func(app, name string) string {
		return twoApps("web", "premium-0", "") + fmt.Sprintf(`
ephemeral "kvs_credentials" "cache" {
  app_id          = kvs_app.%s.id
  attachment_name = %q
  depends_on      = [kvs_attachment.api]
}

provider "echo" {
  data = { same = ephemeral.kvs_credentials.cache.instance_id == kvs_instance.cache.id, url = ephemeral.kvs_credentials.cache.url }
}

resource "echo" "shown" {}
`, app, name)
	}
	same := []statecheck.StateCheck{
		statecheck.ExpectKnownValue("echo.shown", tfjsonpath.New("data").AtMapKey("same"), knownvalue.Bool(true)),
		statecheck.ExpectKnownValue("echo.shown", tfjsonpath.New("data").AtMapKey("url"),
			knownvalue.StringRegexp(regexp.MustCompile("^rediss://"))),
	}
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: withEcho(sb),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{Config: opened("web", "REDIS"), ConfigStateChecks: same}, // of the store's own app
			{ // an app that has nothing under that name
				Config: opened("api", "OTHER"),
				ExpectError: acctest.Says("If a kvs_attachment of this configuration creates it, set attachment_id to " +
					"its id, in place of app_id and attachment_name"),
			},
			{Config: opened("api", "SHARED"), ConfigStateChecks: same}, // of another app
		},
	})
}

// An attachment that somebody detaches is planned anew, and its id is unknown until it is there again: the credentials wait
// for that, and neither a plan nor an apply nor a destroy fails over them.
func TestLongCredentials_attachmentDetachedByHand(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	someone := sb.Client(t)
	detach := func() {
		found, err := someone.AppAttachment(t.Context(), "orders-api", "SHARED")
		if err == nil {
			err = someone.DeleteAttachment(t.Context(), found.ID)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	config := twoApps("web", "premium-0", "") + `
ephemeral "kvs_credentials" "cache" {
  attachment_id = kvs_attachment.api.id
}

provider "echo" {
  data = { same = ephemeral.kvs_credentials.cache.instance_id == kvs_instance.cache.id, url = ephemeral.kvs_credentials.cache.url }
}

resource "echo" "shown" {}
`
	same := []statecheck.StateCheck{
		statecheck.ExpectKnownValue("echo.shown", tfjsonpath.New("data").AtMapKey("same"), knownvalue.Bool(true)),
		statecheck.ExpectKnownValue("echo.shown", tfjsonpath.New("data").AtMapKey("url"),
			knownvalue.StringRegexp(regexp.MustCompile("^rediss://"))),
	}
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: withEcho(sb),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{Config: config, ConfigStateChecks: same},
			{ // the plan has one attachment to make, and says so
				PreConfig: detach,
				Config:    config,
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectResourceAction("kvs_attachment.api", plancheck.ResourceActionCreate),
				}},
				ConfigStateChecks: same,
			},
			{ // a destroy takes away what is left
				PreConfig: func() {
					if !acctest.OnOpenTofu() { // which refuses to destroy while what an ephemeral resource refers to is gone
						detach()
					}
				},
				Config:  config,
				Destroy: true,
			},
		},
	})
}

// The same with the commands that a person runs.
func TestAccCredentials_detachedByHandAndDestroyed(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t, func(o *sandbox.Options) { o.Clock, o.Provisioning = nil, time.Millisecond })
	cli := sb.CLI(t, twoApps("web", "mini", "")+`
ephemeral "kvs_credentials" "cache" {
  attachment_id = kvs_attachment.api.id
}

resource "terraform_data" "user" {
  input = kvs_instance.cache.id

  provisioner "local-exec" {
    command     = "test -n \"$STORE_URL\""
    environment = { STORE_URL = ephemeral.kvs_credentials.cache.url }
  }
}
`)
	cli.Apply()
	for _, command := range [][]string{{"plan", "-input=false"}, {"apply", "-auto-approve", "-input=false"},
		{"destroy", "-auto-approve", "-input=false"}} {
		if found, err := sb.Client(t).AppAttachment(t.Context(), "orders-api", "SHARED"); err == nil {
			if err := sb.Client(t).DeleteAttachment(t.Context(), found.ID); err != nil {
				t.Fatal(err)
			}
		}
		if result := cli.Run(append(command, "-no-color")...); result.Code != 0 {
			t.Errorf("%v exited %d:\n%s", command, result.Code, result.Output())
		}
	}
}

// A plan without a refresh knows only the id that is gone.
func TestAccCredentials_attachmentThatIsGone(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		Steps: []resource.TestStep{
			{
				Config:      "ephemeral \"kvs_credentials\" \"cache\" {\n  attachment_id = \"00000000-0000-4000-8000-000000000000\"\n}\n",
				ExpectError: acctest.Says("It has been detached, or created again under another id. Plan again with a refresh"),
			},
			{ // an app that is not there lacks more than an attachment
				Config:      "ephemeral \"kvs_credentials\" \"cache\" {\n  app_id = \"00000000-0000-4000-8000-000000000000\"\n}\n",
				ExpectError: acctest.Says("`heroku apps --all` lists the apps of an account"),
			},
			{ // one of the three ways to say which store is meant
				Config:      "ephemeral \"kvs_credentials\" \"cache\" {}\n",
				ExpectError: acctest.Says("Exactly one of these attributes must be configured: [instance_id,attachment_id,app_id]"),
			},
		},
	})
}

// Terraform cannot be given other values, so a rotation in the middle of a run is said.
func TestCredentials_renewal(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t, func(o *sandbox.Options) { o.Engine = "miniredis" })
	someone := sb.Client(t)
	addOn, err := someone.CreateAddOn(t.Context(), mustCreateApp(t, someone, "orders-web").ID,
		heroku.AddOnCreate{Plan: "heroku-redis:premium-0", Name: "orders-cache"})
	if err == nil {
		_, err = someone.WaitAddOnProvisioned(t.Context(), addOn.ID, time.Hour)
	}
	if err != nil {
		t.Fatal(err)
	}
	server := newActionServer(t, sb).server
	config := ephemeralConfig(t, server, "kvs_credentials", map[string]tftypes.Value{"instance_id": tftypes.NewValue(tftypes.String, string(addOn.ID))})
	opened, err := server.OpenEphemeralResource(t.Context(),
		&tfprotov6.OpenEphemeralResourceRequest{TypeName: "kvs_credentials", Config: config})
	if err != nil || len(opened.Diagnostics) != 0 || opened.RenewAt.IsZero() {
		t.Fatalf("opened with %v (%v), to be renewed at %v", opened.Diagnostics, err, opened.RenewAt)
	}
	private := opened.Private
	renew := func() []*tfprotov6.Diagnostic {
		renewed, err := server.RenewEphemeralResource(t.Context(),
			&tfprotov6.RenewEphemeralResourceRequest{TypeName: "kvs_credentials", Private: private})
		if err != nil || renewed.RenewAt.IsZero() {
			t.Fatalf("renewed: %v, %+v", err, renewed)
		}
		private = renewed.Private
		return renewed.Diagnostics
	}
	if said := renew(); len(said) != 0 {
		t.Errorf("nothing has changed, and it says %+v", said[0])
	}
	before, err := someone.RotateCredentials(t.Context(), addOn.ID)
	if err == nil {
		_, err = someone.WaitCredentialsRotated(t.Context(), addOn.ID, before, time.Hour)
	}
	if err != nil {
		t.Fatal(err)
	}
	sb.Clock().Advance(time.Minute) // past what the client remembers
	said := renew()
	if len(said) != 1 || said[0].Summary != "The credentials have changed" {
		t.Fatalf("after a rotation it says %+v", said)
	}
	if strings.Contains(said[0].Detail+string(private), before.Reveal()) {
		t.Error("the former URL is in what it says or keeps")
	}
	if again := renew(); len(again) != 0 {
		t.Errorf("the same rotation is said twice: %+v", again[0])
	}
}

// ephemeralConfig is a configuration in which all other attributes are null.
func ephemeralConfig(t *testing.T, server tfprotov6.ProviderServer, name string, values map[string]tftypes.Value) *tfprotov6.DynamicValue {
	t.Helper()
	schemas, err := server.GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	objectType := schemas.EphemeralResourceSchemas[name].ValueType().(tftypes.Object)
	attributes := map[string]tftypes.Value{}
	for attribute, kind := range objectType.AttributeTypes {
		attributes[attribute] = tftypes.NewValue(kind, nil)
	}
	maps.Copy(attributes, values)
	config, err := tfprotov6.NewDynamicValue(objectType, tftypes.NewValue(objectType, attributes))
	if err != nil {
		t.Fatal(err)
	}
	return &config
}

func TestAccCredentials_refusal(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	someone := sb.Client(t)
	sb.Inject(sandbox.Fault{Match: sandbox.Match{Method: "POST", Path: "/apps/*/addons"}, Do: sandbox.Effect{Provisioning: "stuck"}})
	slow, err := someone.CreateAddOn(t.Context(), mustCreateApp(t, someone, "orders-web").ID,
		heroku.AddOnCreate{Plan: "heroku-redis:mini", Name: "orders-slow"})
	if err != nil {
		t.Fatal(err)
	}
	of := func(id string, lines ...string) string {
		return fmt.Sprintf("ephemeral \"kvs_credentials\" \"cache\" {\n  instance_id = %q\n%s\n}\n", id, strings.Join(lines, "\n"))
	}
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		Steps: []resource.TestStep{
			{ // a store that does not become ready has no credentials, and the error says how long it was waited for
				Config:      of(string(slow.ID)),
				ExpectError: acctest.Says(fmt.Sprintf("waiting for add-on %s to be provisioned: timed out after 2m", slow.ID)),
			},
			{ // and how to wait longer
				Config: of(string(slow.ID), `timeouts = { open = "7m" }`),
				ExpectError: acctest.Says("timed out after 7m0s (last state: provisioning). The work goes on at " +
					"Heroku. Run again to go on waiting, or raise timeouts.open."),
			},
			{ // a store that does not exist is Heroku's to deny
				Config:      of("00000000-0000-4000-8000-000000000000"),
				ExpectError: acctest.Says("Key-Value Store not found"),
			},
			{ // if it was one of this configuration, another plan knows that it is gone
				Config:      of("00000000-0000-4000-8000-000000000000"),
				ExpectError: acctest.Says("plan again, and not with -refresh=false"),
			},
			{ // and the error says what to check
				Config:      of("00000000-0000-4000-8000-000000000000"),
				ExpectError: acctest.Says("`heroku addons --all` lists the add-ons of an account. The token came from the test"),
			},
			{ // a name is no id
				Config:      of("orders-slow"),
				ExpectError: acctest.Says("give a UUID in lower case"),
			},
		},
	})
}
