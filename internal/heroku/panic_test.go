// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
)

// clumsy is a transport that panics on some requests, as a bug in the client would.
type clumsy struct {
	http.RoundTripper
	panics func(*http.Request) any
}

func (c clumsy) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := c.RoundTripper.RoundTrip(r)
	if cause := c.panics(r); cause != nil {
		panic(cause)
	}
	return response, err
}

// A panic in a shared read, which runs in another goroutine than its caller, becomes an error that says what to report.
func TestPanic_isAnError(t *testing.T) {
	t.Parallel()
	var none []int
	for name, test := range map[string]struct {
		panics func(*http.Request) any
		says   string
	}{
		"the runtime's": {func(*http.Request) any { _ = none[7]; return nil }, "index out of range"},
		"another":       {func(*http.Request) any { return "hunter2-canary" }, "a panic of type string"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := memory(func(w http.ResponseWriter, _ *http.Request, _ int) {
				reply(w, 200, addOnJSON(addOnID, "orders-cache", "provisioned"))
			})
			client := f.client(t, func(o *heroku.Options) { o.Transport = clumsy{o.Transport, test.panics} })
			_, err := client.AddOn(t.Context(), addOnID)
			var bug *heroku.BugError
			if !errors.As(err, &bug) || !strings.Contains(err.Error(), test.says) || !strings.Contains(bug.At, "RoundTrip") &&
				!strings.Contains(bug.At, "TestPanic") || bug.Tries != 3 {
				t.Errorf("the error is %v", err)
			}
			if err != nil && strings.Contains(err.Error(), "canary") {
				t.Errorf("the error repeats the panic's value: %v", err)
			}
		})
	}
}
