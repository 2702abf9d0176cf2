// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// manyStores makes apps with a store each.
func manyStores(t *testing.T, sb *acctest.Sandbox, n int) {
	t.Helper()
	client := sb.Client(t)
	for i := range n {
		app, err := client.CreateApp(t.Context(), heroku.AppCreate{Name: fmt.Sprintf("orders-web-%d", i), Team: "acme"})
		if err == nil {
			_, err = client.CreateAddOn(t.Context(), app.ID,
				heroku.AddOnCreate{Plan: "heroku-redis:premium-0", Name: fmt.Sprintf("orders-cache-%d", i)})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	sb.Clock().AdvanceTo(sb.Clock().Now().Add(time.Hour))
}

// Results are told while pages arrive, a limit asks for no page more, and a list that ends in an error says so last.
func TestList_tellsResultsAsTheyArrive(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t, func(o *sandbox.Options) { o.Engine, o.PageSize = "miniredis", 4 })
	manyStores(t, sb, 10)
	s := newListServer(t, sb)
	pages := func() int { return len(sb.Requests("GET", "/addons")) }

	var seen []int
	sb.ResetJournal()
	s.list(question{kind: "kvs_instance", arrived: func(result) bool { seen = append(seen, pages()); return true }}).succeeded()
	if want := []int{1, 1, 1, 1, 2, 2, 2, 2, 3, 3}; !slices.Equal(seen, want) {
		t.Errorf("the results came when so many pages had been asked for: %v, want %v", seen, want)
	}

	s = newListServer(t, sb)
	for _, limit := range []int64{1, 4} {
		sb.ResetJournal()
		if found := s.list(question{kind: "kvs_instance", limit: limit}); int64(len(found.results)) != limit || pages() != 1 {
			t.Errorf("a limit of %d gives %d results of %d pages", limit, len(found.results), pages())
		}
	}
	sb.ResetJournal()
	if found := s.list(question{kind: "kvs_instance", include: true, limit: 2}); len(found.results) != 2 || pages() != 1 {
		t.Errorf("a limit of 2 gives %d results of %d pages", len(found.results), pages())
	}
	sb.ResetJournal()
	if s.list(question{kind: "kvs_instance", arrived: func(result) bool { return false }}); pages() != 1 {
		t.Errorf("who hears one result only has %d pages asked for", pages())
	}

	for name, fault := range map[string]sandbox.Effect{"forbidden": {Status: 403}, "the same page for ever": {DuplicatePage: true}} {
		s := newListServer(t, sb)
		sb.Clear()
		sb.Inject(sandbox.Fault{Match: sandbox.Match{Method: "GET", Path: "/addons", Agent: "terraform-provider-kvs", From: 2}, Do: fault})
		found := s.list(question{kind: "kvs_instance"})
		if found.failed("Unable to list what is at Heroku", "kvs_instance: "); len(found.results) != 4 {
			t.Errorf("%s: %d results before the error, want those of the first page", name, len(found.results))
		}
	}
	sb.Clear()
	sb.Inject(sandbox.Fault{Match: sandbox.Match{Method: "GET", Path: "/redis/v0/databases/*", Nth: 3}, Do: sandbox.Effect{Status: 403}})
	newListServer(t, sb).list(question{kind: "kvs_instance", include: true}).failed("kvs_instance orders-cache-", "Heroku answered 403")
	sb.Clear()
	sb.Inject(sandbox.Fault{Match: sandbox.Match{Method: "GET", Path: "/apps"}, Do: sandbox.Effect{Status: 403}})
	newListServer(t, sb).read("kvs_instances", nil).failed("Unable to list what is at Heroku", "Heroku answered 403")
	newListServer(t, sb).read("kvs_attachments", nil).failed("Unable to list what is at Heroku", "Heroku answered 403")
	newListServer(t, sb).list(question{kind: "kvs_instance"}).succeeded() // which needs no list of apps
}

func TestList_ofAProviderThatIsNotConfigured(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t, func(o *sandbox.Options) { o.Engine = "miniredis" })
	s, later := newListServer(t, sb), unconfiguredActionServer(t, sb)
	later.configure(tftypes.NewValue(tftypes.String, tftypes.UnknownValue))
	s.server = later.server.(interface {
		tfprotov6.ProviderServer
		tfprotov6.ListResourceServer
	})
	for kind := range listKinds {
		s.list(question{kind: kind}).failed("The kvs provider is not configured yet")
	}
}

// A thousand stores take few requests, whatever is listed of them.
func TestLongList_requestsAtScale(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t, func(o *sandbox.Options) { o.Engine = "miniredis" })
	const n = 1000
	manyStores(t, sb, n)
	for kind, given := range map[string]values{"kvs_instance": {"team": "acme", "unattached": false},
		"kvs_maintenance_window": nil, "kvs_app": nil,
		"kvs_attachment": {"include_first": true}} {
		s := newListServer(t, sb)
		first := 0
		asked := s.requests(func() {
			found := s.list(question{kind: kind, given: given, arrived: func(result) bool {
				if first == 0 {
					first = len(sb.Requests("GET", ".*"))
				}
				return true
			}})
			if found.succeeded(); len(found.results) != n {
				t.Errorf("%s: %d results", kind, len(found.results))
			}
		})
		if asked > 10 || first >= asked {
			t.Errorf("%s: %d requests, want at most 10, and the first result after fewer of them than all: after "+
				"%d", kind, asked, first)
		}
	}
}
