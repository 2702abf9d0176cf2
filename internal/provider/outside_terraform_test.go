// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
)

// What somebody does beside Terraform, with the API or in the dashboard.

// aWhile is longer than anything takes on the sandbox's clock.
const aWhile = time.Hour

// mustFindApp looks beside Terraform.
func mustFindApp(t *testing.T, client *heroku.Client, name string) heroku.App {
	t.Helper()
	found, err := client.FindApp(t.Context(), name)
	if err != nil {
		t.Fatalf("finding the app %s: %v", name, err)
	}
	return found
}

func mustCreateApp(t *testing.T, client *heroku.Client, name string) heroku.App {
	t.Helper()
	created, err := client.CreateApp(t.Context(), heroku.AppCreate{Name: name})
	if err != nil {
		t.Fatalf("creating the app %s: %v", name, err)
	}
	return created
}

// setConfigVar does what the client cannot, since the provider never needs it.
func setConfigVar(t *testing.T, sb *acctest.Sandbox, appName, name, value string) {
	t.Helper()
	body, err := json.Marshal(map[string]string{name: value})
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPatch, sb.URL()+"/apps/"+appName+"/config-vars",
		strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", "application/vnd.heroku+json; version=3")
	request.Header.Set("Authorization", "Bearer "+sb.Token())
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Fatalf("setting %s: %s", name, response.Status)
	}
}
