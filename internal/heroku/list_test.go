// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
)

// The first page of a list whose pages are shown as they arrive is small, and the others are large. A list that was read to its
// end is cached, for further lists and for reads of single objects.
func TestPages_areToldAsTheyArriveAndKept(t *testing.T) {
	t.Parallel()
	ids := manyIDs(6)
	var ranges []string
	srv := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) {
		ranges = append(ranges, r.Header.Get("Range"))
		var from int
		_, _ = fmt.Sscanf(r.Header.Get("Range"), "id ]%d", &from)
		if from+2 == len(ids) {
			reply(w, 200, listJSON(ids[from:]...))
			return
		}
		w.Header().Set("Next-Range", fmt.Sprintf("id ]%d..; max=200", from+2))
		reply(w, 206, listJSON(ids[from:from+2]...))
	})
	c, ctx := srv.client(t), t.Context()
	read := func(pages int) (got []heroku.AddOnID) {
		for page, err := range c.AddOnPages(ctx) {
			if err != nil {
				t.Fatal(err)
			}
			for _, addOn := range page {
				got = append(got, addOn.ID)
			}
			if pages--; pages == 0 {
				break
			}
		}
		return got
	}
	equal(t, read(1), ids[:2], nil)
	equal(t, ranges, []string{"id ..; max=200"}, nil)
	equal(t, read(-1), ids, nil) // a list that was not read to its end is not cached
	equal(t, ranges[1:], []string{"id ..; max=200", "id ]2..; max=1000", "id ]4..; max=1000"}, nil)
	equal(t, read(-1), ids, nil)
	addOn, err := c.AddOn(ctx, ids[3])
	equal(t, addOn.ID, ids[3], err)
	equal(t, len(ranges), 4, nil)
}

// Stores are read concurrently and yielded in order; one that does not exist is an error of its own. No more stores are read after
// the loop has ended.
func TestStores_areToldInOrder(t *testing.T) {
	t.Parallel()
	ids := manyIDs(40)
	srv := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) {
		if strings.HasSuffix(r.URL.Path, string(ids[7])) {
			reply(w, 404, notFound)
			return
		}
		reply(w, 200, storeFor(r))
	})
	c, ctx := srv.client(t), t.Context()
	at := 0
	for store, err := range c.Stores(ctx, ids) {
		if at == 7 {
			if !heroku.IsNotFound(err) {
				t.Errorf("store 7: %v", err)
			}
		} else {
			equal(t, store.AddOnID, ids[at], err)
		}
		at++
	}
	equal(t, at, len(ids), nil)

	c = srv.client(t)
	before := len(srv.requests())
	for _, err := range c.Stores(ctx, ids) {
		if err != nil {
			t.Error(err)
		}
		break
	}
	if asked := len(srv.requests()) - before; asked > 11 {
		t.Errorf("for one store, %d are read", asked)
	}
}
