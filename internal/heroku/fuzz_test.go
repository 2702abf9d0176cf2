// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
)

// answers returns a client whose n-th request, from 0, gets the n-th response. It uses no network, so that fuzz targets are fast.
func answers(t *testing.T, clock heroku.Clock, answer func(n int, r *http.Request) *http.Response) *heroku.Client {
	t.Helper()
	n := -1
	c, err := heroku.New(heroku.Options{
		APIURL: "https://heroku.test", DataAPIURL: "https://data.test", Clock: clock,
		Credential: heroku.Credential{Token: token, Source: "the test"},
		Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			n++
			return answer(n, r), nil
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// jsonResponse returns a response. header has names and values by turns.
func jsonResponse(status int, body string, header ...string) *http.Response {
	h := http.Header{"Content-Type": {"application/json"}}
	for i := 0; i < len(header); i += 2 {
		h[header[i]] = []string{header[i+1]}
	}
	return &http.Response{
		Status: fmt.Sprintf("%d %s", status, http.StatusText(status)), StatusCode: status, ProtoMajor: 1, ProtoMinor: 1,
		Header: h, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}
}
