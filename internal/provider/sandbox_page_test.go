// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest/browser"
)

// What Terraform does to Heroku is seen in a browser while it does it, and the clock of the page lets it end.
func TestAccSandboxPage_anApplyChangesIt(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	example, err := os.ReadFile(filepath.Join("..", "..", "examples", "demo", "main.tf"))
	if err != nil {
		t.Fatal(err)
	}
	cli := sb.InRealTime(sb.CLI(t, string(example)))
	cli.Write("variables.tf", "variable \"plan\" {}\nvariable \"command\" {\n  default = null\n}\n")
	cli.Unprotect(string(example))
	page := browser.Start(t).Open(t, sb.URL()+"/")
	page.Shows("#diagram-note", "Nothing is there yet")

	apply := cli.Start("apply", "-auto-approve", "-input=false", "-no-color", "-var=plan=premium-0")
	page.Shows("#apps tbody th", "orders-web")
	page.Shows("#stores tbody .badge", "Preparing")
	page.Shows("#journal tbody td", acctest.ProviderAgent)
	page.Click("[data-advance='1h']")
	page.Shows("#stores tbody .badge", "Available")
	if result := apply.Wait(); result.Code != 0 {
		t.Fatalf("apply exited %d:\n%s", result.Code, result.Output())
	}
	page.Shows("#counts", "2 apps, 1 store, 2 attachments")
	page.Wait("document.querySelectorAll('#diagram .line').length === 2")

	if err := sb.Admin(t.Context(), "orders-cache", func(c *redis.Client) error {
		for i := range 1200 {
			if err := c.Set(t.Context(), fmt.Sprint("order:", i), strings.Repeat("x", 4000), 0).Err(); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	page.Wait("document.querySelector('#stores tbody tr').cells[3].textContent === '1\u202f200'") // the server has said so

	upgrade := cli.Start("apply", "-auto-approve", "-input=false", "-no-color", "-var=plan=premium-1")
	page.Shows("#stores tbody .badge", "upgrade in progress")
	page.Shows("#stores tbody .next", "plan changed in")
	screenshot(t, page)
	page.Click("[data-advance='1h']")
	if result := upgrade.Wait(); result.Code != 0 {
		t.Fatalf("apply exited %d:\n%s", result.Code, result.Output())
	}
	page.Shows("#stores tbody .badge", "Available")
	page.Shows("#stores tbody td", "premium-1")

	if result := cli.Run("destroy", "-auto-approve", "-input=false", "-no-color", "-var=plan=premium-1"); result.Code != 0 {
		t.Fatalf("destroy exited %d:\n%s", result.Code, result.Output())
	}
	page.Shows("#counts", "0 apps, 0 stores, 0 attachments")
	page.Shows("#billed", "1 created, 1 destroyed, 0 still billed")
	if text := browser.Get[string](page, "document.documentElement.outerHTML"); strings.Contains(text, sb.Token()) || strings.Contains(text, "rediss://") {
		t.Error("the page has a secret")
	}
	if errors := page.Errors(); len(errors) > 0 {
		t.Errorf("the page says %q", errors)
	}
}

// screenshot writes the picture of README.md where somebody asks for it.
func screenshot(t *testing.T, page *browser.Page) {
	file := os.Getenv("KVS_PAGE_SCREENSHOT")
	if file == "" {
		return
	}
	page.Resize(1280, 740)
	page.Wait("document.getAnimations().length === 0")
	if err := os.WriteFile(file, page.Screenshot(), 0o600); err != nil {
		t.Fatal(err)
	}
}
