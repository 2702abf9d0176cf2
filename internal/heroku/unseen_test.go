// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
)

// A stale read, long after the creation, must not end the wait: the new add-on would be given up.
func TestWait_staleReads(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		polls := 0
		f := memory(func(w http.ResponseWriter, _ *http.Request, _ int) {
			switch polls++; {
			case polls%4 != 0: // three of four polls do not find the add-on, even after more than a minute
				reply(w, 404, `{"id":"not_found","message":"Couldn't find that add-on.","resource":"add_on"}`)
			case polls < 40:
				reply(w, 200, addOnJSON(addOnID, "orders-cache", "provisioning"))
			default:
				reply(w, 200, addOnJSON(addOnID, "orders-cache", "provisioned"))
			}
		})
		got, err := f.client(t, clocked(heroku.RealClock)).WaitAddOnProvisioned(t.Context(), addOnID, 20*time.Minute)
		if err != nil || got.State != heroku.StateProvisioned {
			t.Errorf("the wait ended with %q, %v", got.State, err)
		}
		if polls < 40 {
			t.Errorf("only %d polls were made", polls)
		}
	})
}
