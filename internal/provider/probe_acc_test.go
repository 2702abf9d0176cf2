// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

func probing(how string) string { return fmt.Sprintf("provider \"kvs\" {\n  probe = %q\n}\n", how) }

// Whoever does not want that anything connects to a store says so, and what would have been proven is not.
func TestAccProbe_off(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{ // there are three ways
				Config:      probing("perhaps") + appAndStore("premium-0"),
				ExpectError: acctest.Says("accept_new_certificate"),
			},
			{ // the usage of a store says why it is not known
				Config: probing("off") + appAndStore("premium-1") + usageOf("kvs_instance.cache.id"),
				ConfigStateChecks: []statecheck.StateCheck{
					usage("reachable", knownvalue.Bool(false)),
					usage("unreachable_reason", knownvalue.StringExact("off")),
				},
			},
			{ // a smaller plan is not proven to be large enough
				Config:      probing("off") + appAndStore("premium-0"),
				ExpectError: acctest.Says(`The store could not be verified to fit into the smaller plan`),
			},
			{ // which may be accepted
				Config: probing("off") + appAndStore("premium-0", "migration = { accept_unproven = true }"),
			},
		},
	})
}

// withOtherCertificate is a state whose stores had servers with other certificates.
func withOtherCertificate(t *testing.T, state string) (changed string) {
	t.Helper()
	var file map[string]any
	if err := json.Unmarshal([]byte(state), &file); err != nil {
		t.Fatal(err)
	}
	found := 0
	resources, _ := file["resources"].([]any)
	for _, r := range resources {
		object, _ := r.(map[string]any)
		instances, _ := object["instances"].([]any)
		for _, i := range instances {
			instance, _ := i.(map[string]any)
			encoded, _ := instance["private"].(string)
			text, err := base64.StdEncoding.DecodeString(encoded)
			if err != nil {
				t.Fatal(err)
			}
			var private map[string][]byte
			if len(text) == 0 || json.Unmarshal(text, &private) != nil || private["certificate"] == nil {
				continue
			}
			var certificate map[string]string
			if err := json.Unmarshal(private["certificate"], &certificate); err != nil {
				t.Fatal(err)
			}
			certificate["key"] = strings.Repeat("0", 64)
			private["certificate"], _ = json.Marshal(certificate)
			text, _ = json.Marshal(private)
			instance["private"] = base64.StdEncoding.EncodeToString(text)
			found++
		}
	}
	if found == 0 {
		t.Fatal("no certificate is in the private state")
	}
	serial, _ := file["serial"].(float64)
	file["serial"] = serial + 1
	text, err := json.Marshal(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A store that has another certificate than in an earlier run does not get its password, and there is a way out.
func TestAccProbe_changedCertificate(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t, func(o *sandbox.Options) { o.Clock, o.Provisioning = nil, time.Millisecond })
	source, _ := sourceStore(t, sb, "premium-0")
	fork := func(plan string) string {
		return forked(plan, fmt.Sprintf("instance_id = %q", source.ID)) + usageOf("kvs_instance.cache.id")
	}
	cli := sb.CLI(t, fork("premium-1"))
	cli.Apply()
	file := filepath.Join(t.TempDir(), "changed.tfstate")
	if err := os.WriteFile(file, []byte(withOtherCertificate(t, cli.StateFile())), 0o600); err != nil {
		t.Fatal(err)
	}
	if pushed := cli.Run("state", "push", file); pushed.Code != 0 {
		t.Fatal(pushed.Output())
	}

	// what is looked at in passing is a warning
	plan := cli.Run("plan", "-input=false", "-no-color")
	if plan.Code != 0 || !acctest.Says("The certificate of the store has changed").MatchString(plan.Output()) {
		t.Errorf("the plan exited %d:\n%s", plan.Code, plan.Output())
	}

	// what rests on it is not proven
	cli.Configure(fork("premium-0"))
	plan = cli.Run("plan", "-input=false", "-no-color")
	if plan.Code != 1 || !acctest.Says("another key than the one that was seen first").MatchString(plan.Output()) {
		t.Errorf("the plan of a smaller store exited %d:\n%s", plan.Code, plan.Output())
	}

	// a person who knows why accepts it, once
	cli.Configure(probing("accept_new_certificate") + fork("premium-0"))
	cli.Apply()
	cli.Configure(fork("premium-0"))
	plan = cli.Run("plan", "-input=false", "-no-color", "-detailed-exitcode")
	if strings.Contains(plan.Output(), "certificate") || plan.Code == 1 {
		t.Errorf("afterwards the plan exited %d:\n%s", plan.Code, plan.Output())
	}
}
