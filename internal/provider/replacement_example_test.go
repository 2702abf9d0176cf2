// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest/browser"
)

// The example is the end of a move; here is the whole of it, and what the guide says beside it.
func TestAccReplacement_example(t *testing.T) {
	t.Parallel()
	content := string(fileOf(t, filepath.Join(examplesDir, "premium-to-private", "main.tf")))
	l := newLab(t, content)
	l.mustApply(content, "-var=in_space=false")
	redis := l.Redis(t, "acme-orders-cache")
	seed(t, redis)
	seeded := datasetOf(t, redis)

	if file := os.Getenv("KVS_PLAN_SCREENSHOT"); file != "" { // the picture in the README
		planScreenshot(t, file, l.cli.Run("plan", "-input=false").Stdout)
	}
	result := l.mustApply(content) // protection does not stop the move
	for _, says := range []string{
		"Plan: 0 to add, 2 to change, 0 to destroy.",
		"The store will be replaced by a fork of it",
		"The attached apps are in maintenance mode and scaled to 0 meanwhile, so that no write is lost.",
		"lose access to the data: acme-orders.",
		"The copy could not be verified",
	} {
		if !acctest.Says(says).MatchString(result.Output()) {
			t.Errorf("the apply does not say %q:\n%s", says, result.Output())
		}
	}
	l.expectServed(map[string]string{"acme-orders-inside": "REDIS", "acme-orders": "REDIS"}, seeded)
	expectScale(t, l.Sandbox, "acme-orders", map[string]int{"web": 1, "worker": 1})
	expectScale(t, l.Sandbox, "acme-orders-inside", map[string]int{"web": 1, "worker": 1})
	l.expectStores(2)
	l.expectNoChanges()
	t.Log(result.Output()) // what the guide quotes
	l.cli.Unprotect(content)
	l.mustApply(content)
	if destroyed := l.run(mishap{}, "destroy", "-auto-approve", "-input=false"); destroyed.Code != 0 || len(l.Living()) > 0 {
		t.Errorf("destroy exited %d, and %+v live on:\n%s", destroyed.Code, l.Living(), destroyed.Output())
	}
}

var escapeSequence = regexp.MustCompile("\x1b\\[([0-9]+)m")

// planScreenshot writes a picture of the part of a plan that is about the store, and of its warning, in the colors of a terminal.
func planScreenshot(t *testing.T, file, plan string) {
	t.Helper()
	_, plan, _ = strings.Cut(plan, "will perform the following actions:\n\n")
	store, rest, _ := strings.Cut(plan, "\x1b[1m  # kvs_maintenance_window")
	warning := rest[strings.Index(rest, "\x1b[1mPlan:"):]
	warning, _, _ = strings.Cut(warning, "╵")
	styles := map[string]string{"1": "font-weight:bold", "4": "text-decoration:underline",
		"31": "color:#f47067", "32": "color:#57ab5a", "33": "color:#daaa3f", "90": "color:#909dab"}
	open := 0
	text := escapeSequence.ReplaceAllStringFunc(html.EscapeString(store+warning), func(sequence string) string {
		style, known := styles[escapeSequence.FindStringSubmatch(sequence)[1]]
		if known {
			open++
			return fmt.Sprintf("<span style=%q>", style)
		}
		closing := strings.Repeat("</span>", open)
		open = 0
		return closing
	})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, "<body style='margin:0;background:#22272e;color:#adbac7'><pre style='margin:0;padding:20px;"+
			"font:14px/1.35 monospace;white-space:pre-wrap'>%s</pre>", text)
	}))
	defer server.Close()
	page := browser.Start(t).Open(t, server.URL)
	page.Resize(1180, 800)
	page.Resize(1180, browser.Get[int](page, "document.querySelector('pre').offsetHeight"))
	if err := os.WriteFile(file, page.Screenshot(), 0o600); err != nil {
		t.Fatal(err)
	}
}
