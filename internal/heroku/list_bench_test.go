// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
)

// BenchmarkList decodes a page of add-ons, the largest response of the API. It uses no network.
func BenchmarkList(b *testing.B) {
	for _, n := range []int{1, 100, 1000} {
		b.Run(fmt.Sprintf("addons=%d", n), func(b *testing.B) {
			all := make([]string, n)
			for i := range all {
				all[i] = addOnJSON(heroku.AddOnID(benchID(i)), "acme-cache", "provisioned")
			}
			page := []byte("[" + strings.Join(all, ",") + "]")
			client, err := heroku.New(heroku.Options{
				Credential: heroku.Credential{Token: "t"},
				Transport: roundTripper(func(*http.Request) (*http.Response, error) {
					return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(page))}, nil
				}),
			})
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(page)))
			b.ReportAllocs()
			for b.Loop() {
				if addOns, err := client.AppAddOns(b.Context(), appID); err != nil || len(addOns) != n {
					b.Fatalf("%d add-ons, %v", len(addOns), err)
				}
			}
		})
	}
}
