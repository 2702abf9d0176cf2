// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox_test

import (
	"regexp"
	"testing"
)

func TestAttachment_hasEveryMemberOfTheReference(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.app("orders-api")
	w.app("orders-worker")
	w.store("orders-api", "kvs-a", "premium-0")
	a := w.send("POST /addon-attachments", `{"addon":{"name":"kvs-a"},"app":{"name":"orders-worker"}}`,
		"Accept-Inclusion: addon:plan,config_vars,moon").is(201).
		says("name", "REDIS").says("addon.name", "kvs-a").says("addon.app.name", "orders-api").says("app.name", "orders-worker").
		says("addon.plan.name", "heroku-redis:premium-0").says("config_vars", `["REDIS_URL"]`).says("namespace", "null").
		says("log_input_url", "null")
	id := a.get("id")
	w.send("GET /addon-attachments/"+id, "").is(200).says("id", id).says("addon.plan", "").says("config_vars", "")
	w.send("GET /apps/orders-worker/addon-attachments/REDIS", "").is(200).says("id", id)
	w.send("GET /apps/orders-worker/addon-attachments/"+id, "").is(200).says("id", id)
	// A name identifies an attachment only within an app.
	w.send("GET /addon-attachments/REDIS", "").is(404).says("resource", "add_on attachment")
	w.send("GET /apps/orders-api/addon-attachments/"+id, "").is(404)
	w.send("GET /addon-attachments", "").is(200).says("length", "2")
	w.send("GET /addons/kvs-a/addon-attachments", "").is(200).says("length", "2")
	w.send("GET /apps/orders-worker/addon-attachments", "").is(200).says("length", "1").says("0.id", id)
	w.send("GET /apps/orders-worker/config-vars", "").is(200).
		says("REDIS_URL", w.send("GET /apps/orders-api/config-vars", "").get("REDIS_URL"))
	w.send("GET /apps/orders-worker/releases", "").says("length", "4").says("3.description", "Attach REDIS (@ref:kvs-a)")
}

func TestAttachment_isNamed(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.app("orders-api")
	w.store("orders-api", "kvs-a", "premium-0")
	seen := map[string]bool{}
	for range 33 { // one more than there are colours
		name := w.send("POST /addon-attachments", `{"addon":"kvs-a","app":"orders-api"}`).is(201).get("name")
		if seen[name] || !regexp.MustCompile(`^HEROKU_REDIS_[A-Z]+(_\d+)?$`).MatchString(name) {
			t.Fatalf("the name %q after %v", name, seen)
		}
		seen[name] = true
	}
	w.send("POST /addon-attachments", `{"addon":"kvs-a","app":"orders-api","name":"cache_2","namespace":null}`).is(201).says("name", "CACHE_2")
	w.send("POST /addon-attachments", `{"addon":"kvs-a","app":"orders-api","name":"1ST"}`).is(422).says("id", "invalid_params")
	w.send("POST /addon-attachments", `{"addon":"kvs-a","app":"orders-api","namespace":"credential:x"}`).is(422)
	w.send("POST /addon-attachments", `{"addon":"nothing","app":"orders-api"}`).is(404).says("resource", "add_on")
	w.send("POST /addon-attachments", `{"addon":"kvs-a","app":"nowhere"}`).is(404).says("resource", "app")
}

func TestAttachment_aNameInUseIsTakenOverWithConfirmation(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.app("orders-api")
	w.store("orders-api", "kvs-a", "premium-0")
	w.store("orders-api", "kvs-b", "premium-0")
	const path = "POST /addon-attachments"
	for _, confirm := range []string{"", `,"confirm":"wrong"`} {
		a := w.send(path, `{"addon":"kvs-b","app":"orders-api","name":"REDIS"`+confirm+`}`).is(423).says("id", "confirmation_required")
		if got := a.header.Get("X-Confirmation-Required"); got != "orders-api" {
			t.Errorf("X-Confirmation-Required: %q", got)
		}
	}
	// It is the last attachment of the old store to its owning app.
	w.send(path, `{"addon":"kvs-b","app":"orders-api","name":"REDIS","confirm":"orders-api"}`).is(422).
		says("message", "Cannot destroy last attachment to billing app for resource kvs-a")

	// heroku redis:promote first gives the old primary another name.
	backup := w.send(path, `{"addon":{"name":"kvs-a"},"app":{"name":"orders-api"},"confirm":"orders-api"}`).is(201).get("name")
	old := w.send("GET /apps/orders-api/config-vars", "").get("REDIS_URL")
	releases := w.send("GET /apps/orders-api/releases", "").get("length")
	w.send(path, `{"addon":{"name":"kvs-b"},"app":{"name":"orders-api"},"confirm":"orders-api","name":"REDIS"}`).is(201)
	vars := w.send("GET /apps/orders-api/config-vars", "").says(backup+"_URL", old)
	if vars.get("REDIS_URL") == old {
		t.Error("REDIS_URL still has the old store's URL")
	}
	w.send("GET /addons/orders-api::REDIS", "").says("name", "kvs-b")
	if w.send("GET /apps/orders-api/releases", "").get("length") == releases {
		t.Error("promotion made no release")
	}
	// Promoting the primary again changes nothing but the attachment's id.
	w.send(path, `{"addon":"kvs-b","app":"orders-api","name":"REDIS","confirm":"orders-api"}`).is(201)
	w.send("GET /apps/orders-api/addon-attachments", "").says("length", "3")
}

func TestAttachment_andConfigVarsSetByHand(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.app("orders-api")
	w.send("PATCH /apps/orders-api/config-vars", `{"REDIS_URL":"redis://mine","CACHE_URL":"redis://mine-too"}`).is(200)
	w.send("POST /apps/orders-api/addons", `{"plan":"heroku-redis:premium-0","attachment":{"name":"CACHE"}}`).is(423)
	// The first store without a name overwrites the config var without confirmation when it is provisioned.
	w.send("POST /apps/orders-api/addons", `{"plan":"heroku-redis:premium-0","name":"kvs-a"}`).is(201)
	w.send("GET /apps/orders-api/config-vars", "").says("REDIS_URL", "redis://mine")
	w.advance()
	url := w.send("GET /addons/kvs-a/config", "").get("0.value")
	w.send("GET /apps/orders-api/config-vars", "").says("REDIS_URL", url)
	w.send("POST /addon-attachments", `{"addon":"kvs-a","app":"orders-api","name":"CACHE"}`).is(423)
	w.send("POST /addon-attachments", `{"addon":"kvs-a","app":"orders-api","name":"CACHE","confirm":"orders-api"}`).is(201)
	w.send("GET /apps/orders-api/config-vars", "").says("CACHE_URL", url)
}

func TestAttachment_isDetached(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.app("orders-api")
	w.app("orders-worker")
	w.store("orders-api", "kvs-a", "premium-0")
	first := w.send("GET /apps/orders-api/addon-attachments/REDIS", "").get("id")
	w.send("DELETE /addon-attachments/"+first, "").is(422).says("id", "invalid_params").
		says("message", "Cannot destroy last attachment to billing app for resource kvs-a")
	foreign := w.send("POST /addon-attachments", `{"addon":"kvs-a","app":"orders-worker"}`).is(201).get("id")
	w.send("DELETE /addon-attachments/"+foreign, "").is(200).says("id", foreign)
	w.send("DELETE /addon-attachments/"+foreign, "").is(404)
	w.send("GET /apps/orders-worker/config-vars", "").says("REDIS_URL", "")
	w.send("GET /apps/orders-worker/releases", "").says("length", "5").says("4.description", "Detach REDIS (@ref:kvs-a)")
	w.send("POST /addon-attachments", `{"addon":"kvs-a","app":"orders-api","name":"CACHE"}`).is(201)
	w.send("DELETE /addon-attachments/"+first, "").is(200)
	w.send("GET /addons/kvs-a", "").says("config_vars", `["CACHE_URL"]`)
}
