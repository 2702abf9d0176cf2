// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku_test

import (
	"net/http"
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
)

func TestAccount(t *testing.T) {
	t.Parallel()
	srv := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) {
		if r.Method != http.MethodGet || r.URL.Path != "/account" {
			t.Errorf("%s %s", r.Method, r.URL.Path)
		}
		reply(w, 200, `{"id":"5f0b","email":"ops@acme.example","allow_tracking":true,"two_factor_authentication":true}`)
	})
	if a, err := srv.client(t).Account(t.Context()); err != nil || a != (heroku.Account{ID: "5f0b", Email: "ops@acme.example"}) {
		t.Errorf("%+v, %v", a, err)
	}
}
