// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/changecontrol"
)

// newChangeRecord writes a record of two writes, of which the second one has no answer.
func newChangeRecord(t *testing.T, path string) (lines []string) {
	t.Helper()
	c, problems := changecontrol.New(changecontrol.Config{Reference: "CHG0000001"})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	c.KeepRecord(path, changecontrol.Author{
		Actor: func(context.Context) string { return "ops@acme.example" },
		Now:   func() time.Time { return time.Date(2026, 1, 14, 9, 12, 30, 0, time.UTC) },
	})
	ctx := changecontrol.WithChange(t.Context(), changecontrol.Change{
		Object: changecontrol.Object{Kind: "kvs_instance", ID: "7c4e2a90-3b5d-4f8e-a1c6-d2e3f4a5b6c7",
			Name: "acme-cache", App: "orders-api", Space: "acme-prod"},
		Networks: []changecontrol.Network{changecontrol.NetworkShield},
	}, nil)
	answered, err := c.Announce(ctx, changecontrol.Write{Method: "PATCH", Path: "/addons/7c4e2a90", Try: 1})
	if err != nil {
		t.Fatal(err)
	}
	answered(changecontrol.Answer{Event: changecontrol.EventAnswered, Status: 200})
	if _, err := c.Announce(ctx, changecontrol.Write{Method: "DELETE", Path: "/addons/7c4e2a90", Try: 1}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}

func TestAccVerifyChangeRecord_inConfiguration(t *testing.T) {
	t.Parallel()
	path := filepath.ToSlash(filepath.Join(t.TempDir(), "kvs-changes.jsonl"))
	lines := newChangeRecord(t, path)
	verified := func(expression string) string {
		return fmt.Sprintf("output \"record\" {\n  value = provider::kvs::verify_change_record(%s)\n}\n", expression)
	}
	head := func(line string) knownvalue.Check {
		return knownvalue.StringExact(fmt.Sprintf("%x", sha256.Sum256([]byte(line))))
	}
	none := knownvalue.ListExact([]knownvalue.Check{})
	open := knownvalue.ListExact([]knownvalue.Check{knownvalue.ObjectExact(map[string]knownvalue.Check{
		"seq": knownvalue.Int64Exact(3), "time": knownvalue.StringExact("2026-01-14T09:12:30.000Z"),
		"reference": knownvalue.StringExact("CHG0000001"),
		"method":    knownvalue.StringExact("DELETE"), "path": knownvalue.StringExact("/addons/7c4e2a90"),
		"object": knownvalue.ObjectExact(map[string]knownvalue.Check{
			"kind": knownvalue.StringExact("kvs_instance"), "id": knownvalue.StringExact("7c4e2a90-3b5d-4f8e-a1c6-d2e3f4a5b6c7"),
			"name": knownvalue.StringExact("acme-cache"), "app": knownvalue.StringExact("orders-api"),
			"space": knownvalue.StringExact("acme-prod"),
		}),
	})})
	says := func(config string, valid bool, count int64, broken, head, unanswered knownvalue.Check) resource.TestStep {
		return resource.TestStep{
			Config: config,
			ConfigStateChecks: []statecheck.StateCheck{statecheck.ExpectKnownOutputValue("record",
				knownvalue.ObjectExact(map[string]knownvalue.Check{
					"valid": knownvalue.Bool(valid), "lines": knownvalue.Int64Exact(count), "first_broken": broken,
					"head": head, "unanswered": unanswered,
				}))},
		}
	}
	file := fmt.Sprintf("file(%q)", path)
	sb := acctest.Start(t)
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		Steps: []resource.TestStep{
			{Config: verified("null"), ExpectError: acctest.Says("must not be null")},
			says(verified(file), true, 3, knownvalue.Null(), head(lines[2]), open),
			says(verified(`""`), true, 0, knownvalue.Null(), knownvalue.Null(), none),
			// another reference, in each line
			says(verified(`replace(`+file+`, "CHG0000001", "CHG0000002")`), false, 3, knownvalue.Int64Exact(1), knownvalue.Null(), none),
			// the line between the others is missing
			says(verified(`join("\n", [for i, line in split("\n", `+file+`): line if i != 1])`), false, 2,
				knownvalue.Int64Exact(2), head(lines[0]),
				knownvalue.ListSizeExact(1)),
			// the last one is: shorter and valid, and the head is another one
			says(verified(`join("\n", slice(split("\n", `+file+`), 0, 2))`), true, 2, knownvalue.Null(), head(lines[1]), none),
			{ // a text that is known only after apply
				Config: "resource \"terraform_data\" \"later\" {\n  input = " + file + "\n}\n" + verified("terraform_data.later.output"),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectUnknownOutputValue("record"),
				}},
			},
		},
	})
}
