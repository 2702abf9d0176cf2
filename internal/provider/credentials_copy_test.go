// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// elsewhere is a provider with one resource, which keeps a secret that it gets in a write-only argument. It stands in for that of
// an example, whose arguments it has, and cannot be asked what it keeps but by the test.
type elsewhere struct {
	name, resource string
	schema         schema.Schema

	mu     sync.Mutex
	kept   string
	writes int
}

func (e *elsewhere) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = e.name
}
func (e *elsewhere) Schema(context.Context, provider.SchemaRequest, *provider.SchemaResponse) {}
func (e *elsewhere) Configure(context.Context, provider.ConfigureRequest, *provider.ConfigureResponse) {
}
func (e *elsewhere) DataSources(context.Context) []func() datasource.DataSource { return nil }
func (e *elsewhere) Resources(context.Context) []func() resource.Resource {
	return []func() resource.Resource{func() resource.Resource { return secretElsewhere{e} }}
}

type secretElsewhere struct{ of *elsewhere }

func (s secretElsewhere) Metadata(_ context.Context, _ resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = s.of.resource
}
func (s secretElsewhere) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = s.of.schema
}
func (s secretElsewhere) Create(_ context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	s.of.keep(req.Config.Raw.String())
	resp.State.Raw = req.Plan.Raw
}
func (s secretElsewhere) Read(context.Context, resource.ReadRequest, *resource.ReadResponse) {}
func (s secretElsewhere) Update(_ context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	s.of.keep(req.Config.Raw.String())
	resp.State.Raw = req.Plan.Raw
}
func (s secretElsewhere) Delete(context.Context, resource.DeleteRequest, *resource.DeleteResponse) {}

func (e *elsewhere) keep(secret string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.kept, e.writes = secret, e.writes+1
}

// has says whether the copy has a text, and how often it was written.
func (e *elsewhere) has(text string) (found bool, writes int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return strings.Contains(e.kept, text), e.writes
}

// The examples of the documentation: whatever changes the credentials, the next plan updates the copy, and nothing secret is in a
// plan, a state or a log of the CLI.
func TestAccCredentials_copiedElsewhere(t *testing.T) {
	t.Parallel()
	text := schema.StringAttribute{Optional: true}
	secret := schema.StringAttribute{Optional: true, WriteOnly: true}
	version := schema.Int64Attribute{Optional: true}
	for example, to := range map[string]*elsewhere{
		"ephemeral-resource-kubernetes.tf": {name: "kubernetes", resource: "kubernetes_secret_v1", schema: schema.Schema{
			Attributes: map[string]schema.Attribute{
				"data_wo":          schema.MapAttribute{Optional: true, WriteOnly: true, ElementType: types.StringType},
				"data_wo_revision": version,
			},
			Blocks: map[string]schema.Block{"metadata": schema.ListNestedBlock{
				NestedObject: schema.NestedBlockObject{Attributes: map[string]schema.Attribute{"name": text}}}},
		}},
		"ephemeral-resource-ssm.tf": {name: "aws", resource: "aws_ssm_parameter", schema: schema.Schema{
			Attributes: map[string]schema.Attribute{"name": text, "type": text, "value_wo": secret, "value_wo_version": version},
		}},
		"ephemeral-resource-vault.tf": {name: "vault", resource: "vault_kv_secret_v2", schema: schema.Schema{
			Attributes: map[string]schema.Attribute{"mount": text, "name": text, "data_json_wo": secret, "data_json_wo_version": version},
		}},
	} {
		t.Run(example, func(t *testing.T) {
			t.Parallel()
			c := newCopied(t, example, to)
			c.cli.Apply()
			c.expectCopy("the first apply", 1)
			c.expectNothingToDo()

			c.expectUpdate("a rotation by hand", func() error {
				_, err := c.someone.RotateCredentials(t.Context(), c.store())
				return err
			})
			c.expectUpdate("a failover", func() error { return c.sb.FailOver(string(c.store())) })

			// A change of the plan copies the data to another server: the copy follows in the same run.
			c.cli.Configure(strings.Replace(c.config, `"premium-0"`, `"premium-1"`, 1))
			before := c.password()
			planned := c.run(2, "plan", "-input=false", "-no-color", "-out=plan.bin")
			if !regexp.MustCompile(`(version|revision) += [0-9]+ -> \(known after apply\)`).MatchString(planned.Output()) {
				t.Errorf("the plan does not say that the copy follows:\n%s", planned.Output())
			}
			c.run(0, "apply", "-input=false", "-no-color", "plan.bin")
			c.expectCopy("a change of the plan", 4)
			c.expectNothingToDo()
			c.expectNoSecret(before)
		})
	}
}

// copied is a store whose credentials are kept elsewhere.
type copied struct {
	*testing.T
	sb      *acctest.Sandbox
	cli     *acctest.CLI
	someone *heroku.Client
	to      *elsewhere
	config  string
	plans   []string // as JSON
}

func newCopied(t *testing.T, example string, to *elsewhere) *copied {
	t.Helper()
	sb := acctest.Start(t)
	config := string(fileOf(t, filepath.Join(examplesDir, "ephemeral-resources", "kvs_credentials", example)))
	cli := sb.CLI(t, config)
	cli.Beside("hashicorp/"+to.name, func() (tfprotov6.ProviderServer, error) { return providerserver.NewProtocol6(to)(), nil })
	cli.Env = []string{"TF_LOG_CORE=trace", "TF_LOG_PATH=" + filepath.Join(cli.Dir(), "core.log")}
	return &copied{T: t, sb: sb, cli: cli, someone: sb.Client(t), to: to, config: config}
}

func (c *copied) run(code int, args ...string) acctest.Result {
	c.Helper()
	if args[0] == "plan" {
		args = append(args, "-detailed-exitcode")
	}
	result := c.cli.Run(args...)
	if result.Code != code {
		c.Fatalf("%s exited %d, want %d:\n%s", strings.Join(args, " "), result.Code, code, result.Output())
	}
	return result
}

func (c *copied) store() heroku.AddOnID {
	c.Helper()
	object, found := c.cli.Object("kvs_instance.cache")
	id, _ := object.Attributes["id"].(string)
	if !found || id == "" {
		c.Fatal("no store is in the state")
	}
	return heroku.AddOnID(id)
}

// password is that of the store's URL as it is now.
func (c *copied) password() string {
	c.Helper()
	store, err := c.sb.Client(c.T).Store(c.Context(), c.store())
	if err != nil {
		c.Fatal(err)
	}
	parsed, err := keyvalue.ParseURL(store.ResourceURL.Reveal())
	if err != nil || len(parsed.Password) < 8 {
		c.Fatal("there is no password to look for")
	}
	return parsed.Password
}

func (c *copied) expectCopy(after string, writes int) {
	c.Helper()
	if current, n := c.to.has(c.password()); !current || n != writes {
		c.Errorf("after %s the copy is the present one: %t; it was written %d times, want %d", after, current, n, writes)
	}
	c.expectNoSecret(c.password())
}

// expectUpdate changes the credentials outside of Terraform.
func (c *copied) expectUpdate(what string, change func() error) {
	c.Helper()
	before := c.password()
	_, writes := c.to.has("")
	if err := change(); err != nil {
		c.Fatal(err)
	}
	planned := c.run(2, "plan", "-input=false", "-no-color", "-out=plan.bin")
	if !strings.Contains(planned.Stdout, "Plan: 0 to add, 1 to change, 0 to destroy.") ||
		!strings.Contains(planned.Stdout, "# "+c.to.resource+".cache will be updated in-place") {
		c.Errorf("the plan after %s does not update the copy alone:\n%s", what, planned.Output())
	}
	c.plans = append(c.plans, c.run(0, "show", "-json", "plan.bin").Stdout)
	c.run(0, "apply", "-input=false", "-no-color", "plan.bin")
	c.expectCopy(what, writes+1)
	c.expectNothingToDo()
	c.expectNoSecret(before)
}

func (c *copied) expectNothingToDo() {
	c.Helper()
	c.run(0, "plan", "-input=false", "-no-color")
}

// expectNoSecret looks for a password in all that the CLI keeps. That it would be found there, the revision shows, which is.
func (c *copied) expectNoSecret(password string) {
	c.Helper()
	object, _ := c.cli.Object("kvs_instance.cache")
	revision := fmt.Sprint(object.Attributes["credentials_revision"])
	written := map[string]string{"the state": c.cli.StateFile(), "the log of the CLI": c.cli.File("core.log")}
	for i, plan := range c.plans {
		written[fmt.Sprint("plan ", i)] = plan
	}
	for where, text := range written {
		if strings.Contains(text, password) {
			c.Errorf("a password is in %s", where)
		}
	}
	if len(revision) < 8 || !strings.Contains(written["the state"], revision) {
		c.Errorf("the state does not have the revision %s, so that it proves nothing", revision)
	}
	if n := len(c.plans); n > 0 && !strings.Contains(c.plans[n-1], `"credentials_revision":`) {
		c.Error("the plan does not have a revision, so that it proves nothing")
	}
}

// What the store has, its attachments have as well, and the data source.
func TestAccCredentials_revisionOfAnAttachment(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	config := twoApps("web", "premium-0", "") + `
data "kvs_instance" "cache" {
  id         = kvs_instance.cache.id
  depends_on = [kvs_attachment.api]
}

resource "terraform_data" "copy" {
  triggers_replace = kvs_attachment.api.credentials_revision
}
`
	cli := sb.CLI(t, config)
	revisions := func() (of [3]string) {
		for _, instance := range cli.Instances() {
			i := slices.Index([]string{"kvs_instance.cache", "kvs_attachment.api", "data.kvs_instance.cache"}, instance.Address)
			var attributes struct {
				Revision json.Number `json:"credentials_revision"`
			}
			if i < 0 {
				continue
			}
			if err := json.Unmarshal(instance.Attributes, &attributes); err != nil {
				t.Fatal(err)
			}
			of[i] = attributes.Revision.String()
		}
		return of
	}
	cli.Apply()
	first := revisions()
	if len(first[0]) < 8 || first[0] != first[1] || first[0] != first[2] {
		t.Fatalf("the revisions are %v, want one", first)
	}
	reads := len(sb.Requests("GET", "/redis/v0/databases/[^/]*"))
	if reads > 4 { // the store is looked at when it is ready, and again after the apply for the data source
		t.Errorf("the store was read %d times", reads)
	}

	// Between a plan of something else and its apply: the apply does what was planned, and the next plan finds the rotation.
	cli.Configure(strings.Replace(config, `"orders-cache"`, "\"orders-cache\"\n  timeout = 60", 1))
	succeed(t, cli, "plan", "-input=false", "-out=plan.bin")
	object, _ := cli.Object("kvs_instance.cache")
	id, _ := object.Attributes["id"].(string)
	if _, err := sb.Client(t).RotateCredentials(t.Context(), heroku.AddOnID(id)); err != nil {
		t.Fatal(err)
	}
	succeed(t, cli, "apply", "-input=false", "plan.bin")
	if now := revisions(); now[0] != first[0] || now[1] != first[1] {
		t.Errorf("the revisions are %v, and were planned to stay %v", now, first)
	}
	planned := cli.Run("plan", "-input=false", "-no-color", "-detailed-exitcode")
	if planned.Code != 2 || !strings.Contains(planned.Stdout, "# terraform_data.copy must be replaced") {
		t.Errorf("the plan exits %d, and does not replace what depends on the attachment:\n%s", planned.Code, planned.Output())
	}
	cli.Apply()
	second := revisions()
	if second[0] == first[0] || second[0] != second[1] || second[0] != second[2] {
		t.Errorf("the revisions are %v, and were %v", second, first)
	}

	// A replacement gives the store and its attachments another one in the same run, which is the present one.
	cli.Configure(strings.Replace(config, "kvs_app.web.id", "kvs_app.api.id", 1))
	replaced := cli.Apply()
	third := revisions()
	if third[0] == second[0] || third[0] != third[1] || third[0] != third[2] {
		t.Errorf("the revisions are %v, and were %v:\n%s", third, second, replaced.Output())
	}
	cli.Apply("-refresh-only")
	if now := revisions(); now != third {
		t.Errorf("the revisions are %v after a refresh, and were %v", now, third)
	}
}

// The arguments of redis-cli open the store, with the password in its environment, and have no secret in them.
func TestAccCredentials_redisCLI(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	cli := sb.CLI(t, appAndStore("premium-0")+`
ephemeral "kvs_credentials" "cache" {
  instance_id = kvs_instance.cache.id
}

resource "terraform_data" "ping" {
  triggers_replace = kvs_instance.cache.credentials_revision

  provisioner "local-exec" {
    command     = "$CLI ${join(" ", ephemeral.kvs_credentials.cache.redis_cli)} PING > answer; echo \"$ARGUMENTS\" > arguments"
    environment = {
      CLI            = "`+redisCLI(t)+`"
      ARGUMENTS      = join(" ", ephemeral.kvs_credentials.cache.redis_cli)
      REDISCLI_AUTH  = ephemeral.kvs_credentials.cache.password
    }
  }
}
`)
	cli.Apply()
	if answer := cli.File("answer"); !strings.Contains(answer, "PONG") {
		t.Errorf("it answers %q", answer)
	}
	if got := cli.File("arguments"); !regexp.MustCompile(`^-h 127\.0\.0\.1 -p [0-9]+ --tls --insecure\n$`).MatchString(got) {
		t.Errorf("the arguments are %s", got)
	}
}

// redisCLI is a client that speaks TLS; where there is none, one that says what a store says: its arguments are compared all the same.
func redisCLI(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"valkey-cli", "redis-cli"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return "echo PONG"
}

// Who may attach a store and not ask the Data API for it has an attachment without a revision. One that was known stays when the
// Data API does not answer: a copy is not written again for that.
func TestAccCredentials_revisionUnread(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	owner := sb.CLI(t, twoApps("web", "premium-0", ""))
	owner.Apply()
	object, _ := owner.Object("kvs_attachment.api")
	id, _ := object.Attributes["id"].(string)
	cli := sb.CLI(t, fmt.Sprintf(`
import {
  to = kvs_attachment.api
  id = %q
}

resource "kvs_attachment" "api" {
  app_id      = %q
  instance_id = %q
  name        = "SHARED"
}
`, id, object.Attributes["app_id"], object.Attributes["instance_id"]))
	revision := func() any {
		cli.Apply()
		object, _ := cli.Object("kvs_attachment.api")
		return object.Attributes["credentials_revision"]
	}
	refused := func() {
		sb.Inject(sandbox.Fault{Match: sandbox.Match{Method: "GET", Path: "/redis/v0/databases/*"}, Do: sandbox.Effect{Status: 403}})
	}
	refused()
	if got := revision(); got != nil {
		t.Errorf("the revision is %v, want none", got)
	}
	sb.Clear()
	known := revision()
	if fmt.Sprint(known) != fmt.Sprint(object.Attributes["credentials_revision"]) || known == nil {
		t.Errorf("the revision is %v, want that of the owner, %v", known, object.Attributes["credentials_revision"])
	}
	refused()
	if got := revision(); got != known {
		t.Errorf("the revision is %v, want %v as before", got, known)
	}
}
