// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"strings"
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// An upgrade that ends well and yields another version than was ordered is a failure, and the apps are not left held.
func TestUpgradeVersion_yieldsAnother(t *testing.T) {
	t.Parallel()
	for plan, given := range map[string]values{
		"premium-0": {"version": "8.0", "when": "now", "app_maintenance": true, "scale_down": true},
		"mini":      {"version": "8.0", "accept_data_loss": true},
	} {
		t.Run(plan, func(t *testing.T) {
			t.Parallel()
			w := newKeptWorld(t, plan)
			body := `{"addon_id":"` + string(w.store) + `","name":"orders-cache","plan":"` + plan + `","version":"7.2.4","info":[{"name":"Status","values":["Available"]}]}`
			w.Inject(sandbox.Fault{Match: sandbox.Match{Method: "GET", Path: "/redis/v0/databases/*",
				Agent: "terraform-provider-kvs"}, Do: sandbox.Effect{Status: 200, Body: &body}})
			said := w.invoke(upgradeVersion, w.about(given))
			said.failed("Store version was not upgraded", "Key-Value Store orders-cache ("+string(w.store)+") runs version 7.2.4", "8.0 was asked for", "Invoke the action again", "Heroku Support")
			w.expectBoth(running)
			if orders := w.Requests("POST", ".*/upgrade"); len(orders) != 1 {
				t.Errorf("%d upgrades were ordered, want 1", len(orders))
			}
		})
	}
}

// By then everything has been done, so that invoking it again would do it again: this is what has to be said.
func TestRotateCredentials_interruptedInTheLastStep(t *testing.T) {
	t.Parallel()
	w := newKeptWorld(t, "premium-0", realServer)
	old, _ := w.urls()
	answer, same := `{"message":"Rotating credentials."}`, strings.Replace(old, "//h:", "//:", 1)
	info := `{"name":"orders-cache","resource_url":"` + same + `","info":[{"name":"Status","values":["Available"]}]}`
	w.Inject(sandbox.Fault{Match: sandbox.Match{Method: "POST", Path: "/redis/v0/databases/*/credentials_rotation"},
		Do: sandbox.Effect{Status: 200, Body: &answer}})
	w.Inject(sandbox.Fault{Match: sandbox.Match{Method: "GET", Path: "/redis/v0/databases/*", From: 3},
		Do: sandbox.Effect{Status: 200, Body: &info}})
	said := w.invokeUntil("it is still accepted", rotateCredentials, w.about(nil))
	said.failed("Unable to check the old password", "Key-Value Store orders-cache ("+string(w.store)+")",
		"context canceled", "all attached apps have the new ones", "it rotates once more")
	w.keepsSecrets(said, old)
}

// An action is not applied: a wait that ran out is gone on with by invoking it again.
func TestActions_sayHowToGoOn(t *testing.T) {
	t.Parallel()
	w := newKeptWorld(t, "premium-0", realServer)
	old, _ := w.urls()
	w.lagging(w.api, old)
	said := w.invoke(rotateCredentials, w.about(values{"timeouts": "5m"}))
	said.failed("Unable to rotate the credentials", "timed out", "Invoke the action again to go on waiting, or raise the timeouts.")
	if strings.Contains(strings.ToLower(said.errors[0]), "apply") {
		t.Errorf("it speaks of an apply:\n%s", said)
	}
}
