// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
)

// A wait that begins while a list is in flight uses the list, if the list has its object.
func TestWaitThatBeginsDuringAPoll(t *testing.T) {
	t.Parallel()
	ids := manyIDs(3)
	late := ids[2]
	for name, c := range map[string]struct {
		listed    string // the state of the late add-on in the list that is in flight
		meanwhile func(*testing.T, *heroku.Client)
		requests  int
	}{
		"and is answered by it":           {"provisioned", nil, 1},
		"and is still being provisioned":  {"provisioning", nil, 2},
		"and is not in it yet":            {"", nil, 2},
		"and has been written since then": {"provisioned", rename(late), 2}, // the list and the write: a provisioned add-on stays provisioned
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				asked, goOn := make(chan struct{}), make(chan struct{})
				lists := 0
				f := memory(func(w http.ResponseWriter, r *http.Request, _ int) {
					if r.URL.Path != "/addons" {
						reply(w, 200, addOnJSON(late, "a-name", "provisioned"))
						return
					}
					state := "provisioned"
					if lists++; lists == 1 {
						close(asked)
						<-goOn
						state = c.listed
					}
					listed := []string{addOnJSON(ids[0], "a-name", "provisioned"), addOnJSON(ids[1], "a-name", "provisioned")}
					if state != "" {
						listed = append(listed, addOnJSON(late, "a-name", state))
					}
					reply(w, 200, "["+strings.Join(listed, ",")+"]")
				})
				client := f.client(t, clocked(heroku.RealClock))
				errs := make(chan error)
				wait := func(id heroku.AddOnID) {
					a, err := client.WaitAddOnProvisioned(t.Context(), id, time.Minute)
					if err == nil && (a.ID != id || a.State != heroku.StateProvisioned) {
						t.Errorf("%v", a)
					}
					errs <- err
				}
				go wait(ids[0])
				go wait(ids[1])
				<-asked
				if c.meanwhile != nil {
					c.meanwhile(t, client)
				}
				go wait(late)
				<-time.After(150 * time.Millisecond) // its first tick
				close(goOn)
				for range ids {
					if err := <-errs; err != nil {
						t.Error(err)
					}
				}
				if len(f.requests()) != c.requests {
					t.Errorf("%v", f.requests())
				}
			})
		})
	}
}

// rename returns a function that writes to an add-on.
func rename(id heroku.AddOnID) func(*testing.T, *heroku.Client) {
	return func(t *testing.T, c *heroku.Client) {
		name := "a-name"
		if _, err := c.UpdateAddOn(t.Context(), appID, id, heroku.AddOnUpdate{Name: &name}); err != nil {
			t.Error(err)
		}
	}
}
