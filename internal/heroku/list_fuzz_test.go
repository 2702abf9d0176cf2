// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
)

// Whatever pages a list has, the client sends each Next-Range as it is, terminates, and returns the whole list or an error.
//
// A page is three bytes: two ids, out of 16, and whether another page follows. The last page repeats for ever.
func FuzzNextRange(f *testing.F) {
	f.Add([]byte{1, 2, 0}, "id ]x..; max=1000")
	f.Add([]byte{1, 2, 1, 3, 4, 1, 5, 6, 0}, "id ]x..; max=1000")
	f.Add([]byte{1, 2, 1}, "id ..; max=1000")
	f.Add([]byte{1, 2, 1, 2, 3, 1, 3, 4, 1, 4, 1, 1}, "\x00")
	f.Add([]byte{1, 2, 1, 3, 4, 0}, "")
	f.Fuzz(func(t *testing.T, pages []byte, next string) {
		if len(pages) < 3 {
			return
		}
		const most = 16 + 1 // each page but the last has to have a new one of the 16 ids
		var ranges, want []string
		whole := false
		c := answers(t, newClock(), func(n int, r *http.Request) *http.Response {
			if ranges = append(ranges, r.Header.Get("Range")); n > most {
				t.Fatalf("%d requests: %q", n, ranges)
			}
			page := pages[3*min(n, len(pages)/3-1):][:3]
			var items []string
			for _, id := range page[:2] {
				name := fmt.Sprintf("redis-%d", id%16)
				items = append(items, addOnJSON(heroku.AddOnID(name), name, "provisioned"))
				if !slices.Contains(want, name) {
					want = append(want, name)
				}
			}
			body := "[" + strings.Join(items, ",") + "]"
			if whole = page[2]%2 == 0; whole {
				return jsonResponse(200, body, "Next-Range", next)
			}
			return jsonResponse(206, body, "Next-Range", fmt.Sprint(next, strings.Repeat("+", min(n, len(next)))))
		})
		got, err := c.AppAddOns(t.Context(), appID)
		for i, sent := range ranges {
			wants := "id ..; max=1000"
			if i > 0 {
				wants = fmt.Sprint(next, strings.Repeat("+", min(i-1, len(next))))
			}
			if sent != wants {
				t.Errorf("request %d asks for %q instead of %q", i, sent, wants)
			}
		}
		var body *heroku.BodyError
		if err != nil {
			if whole || got != nil || !errors.As(err, &body) {
				t.Errorf("%v, with %d add-ons, the list being whole: %t", err, len(got), whole)
			}
			return
		}
		var names []string
		for _, a := range got {
			names = append(names, a.Name)
		}
		if !whole || !slices.Equal(names, want) {
			t.Errorf("got %v instead of %v, the list being whole: %t", names, want, whole)
		}
	})
}
