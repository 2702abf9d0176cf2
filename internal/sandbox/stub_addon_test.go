// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox_test

import (
	"strings"
	"testing"
	"time"
)

// Apps have add-ons of other services beside their stores.
func TestStubAddOn_isOrderedAttachedAndDestroyed(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.app("orders-api")
	w.app("orders-web")
	w.store("orders-api", "orders-cache", "premium-0")
	w.exchange(
		exchange{"POST /apps/orders-api/addons", `{"plan":"heroku-postgresql","name":"orders-db","config":{"version":"17"}}`, 201, []string{
			"state=provisioned", "plan.name=heroku-postgresql:essential-0", "addon_service.name=heroku-postgresql",
			"billed_price.cents=500",
			`config_vars=["DATABASE_URL"]`}},
		exchange{"POST /apps/orders-api/addons", `{"plan":"heroku-postgresql:nonsense"}`, 422,
			[]string{`message=Couldn't find either the add-on service or the add-on plan of "heroku-postgresql:nonsense".`}},
		exchange{"POST /apps/orders-api/addons", `{"plan":{"name":"scheduler:standard"}}`, 201,
			[]string{"config_vars=[]", "billed_price.cents=0"}},
		exchange{"GET /apps/orders-api/addons/scheduler", "", 200, []string{"plan.name=scheduler:standard"}},
		exchange{"GET /apps/orders-api/addons/heroku-redis", "", 200, []string{"name=orders-cache"}},
		exchange{"GET /apps/orders-web/addons/scheduler", "", 404, []string{"resource=add_on"}},
		exchange{"GET /apps/orders-api/addon-attachments/SCHEDULER", "", 200, nil},
		exchange{"GET /apps/orders-api/releases/5", "", 200, []string{"description=Attach DATABASE (@ref:orders-db)"}},
		exchange{"POST /addon-attachments", `{"addon":"orders-db","app":"orders-web","namespace":"credential:read"}`, 201,
			[]string{"name=DATABASE", "namespace=credential:read"}},
		exchange{"POST /addon-attachments", `{"addon":"orders-cache","app":"orders-web","namespace":"credential:read"}`, 422, nil},
		exchange{"PATCH /apps/orders-api/config-vars", `{"DATABASE_URL":"x"}`, 422, []string{"message=Cannot " +
			"overwrite attachment values DATABASE_URL."}},
		exchange{"PATCH /apps/orders-api/addons/orders-db", `{"plan":"heroku-postgresql:standard-0"}`, 200,
			[]string{"billed_price.cents=5000"}},
		exchange{"PATCH /apps/orders-api/addons/orders-db", `{"plan":"heroku-redis:mini"}`, 422, nil},
		exchange{"PATCH /apps/orders-api/addons/orders-cache", `{"plan":"scheduler:standard"}`, 422, nil},
		exchange{"POST /actions/addons/resolve", `{"addon":"heroku-postgresql","app":"orders-web"}`, 200, []string{"0.name=orders-db"}},
		exchange{"POST /actions/addons/resolve", `{"addon":"DATABASE_URL","app":"orders-web","addon_service":"heroku-redis"}`, 404, nil},
		exchange{"GET /users/~/addons", "", 200, []string{"length=3"}},
		// it is not a store, so endpoints for stores do not find it
		exchange{"GET /redis/v0/databases/orders-db", "", 404, []string{"message=Add-on not found"}},
		exchange{"POST /__sandbox/failover", `{"store":"orders-db"}`, 422, nil},
		exchange{"POST /__sandbox/maintenances", `{"store":"orders-db","in":"1h"}`, 422, nil},
		exchange{"POST /apps/orders-api/addons", `{"plan":"heroku-redis:mini","name":"orders-next"}`, 201, nil},
		exchange{"GET /apps/orders-api/addons/heroku-redis", "", 422, []string{"id=multiple_matches"}},
	)
	app := w.send("GET /apps/orders-api", "").get("id")
	w.send("GET /data/maintenances/v1/apps/"+app, "").is(200).says("maintenances.length", "1")
	if url := w.urlOf("orders-web", "DATABASE_URL"); !strings.HasPrefix(url, "postgres://") || !strings.Contains(url, ".invalid:5432/") {
		t.Errorf("the URL %q leads somewhere", url)
	}
	w.exchange(
		exchange{"DELETE /apps/orders-api/addons/heroku-postgresql", "", 422, nil}, // it is attached to another app
		exchange{"DELETE /apps/orders-api/addons/heroku-postgresql", `{"force":true}`, 200, []string{"state=deprovisioned"}},
		exchange{"GET /addons/orders-db", "", 404, nil},
		exchange{"GET /apps/orders-web/config-vars", "", 200, []string{"DATABASE_URL="}},
		exchange{"DELETE /apps/orders-api/addons/scheduler", "", 200, nil},
	)
	if l := w.Ledger(); l.Created != 4 || l.Destroyed != 2 {
		t.Errorf("the ledger has %d created and %d destroyed", l.Created, l.Destroyed)
	}
}

// Also in a space, it is created and destroyed immediately. It survives a restart.
func TestStubAddOn_outlivesARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := persistent(t, dir, "miniredis")
	w.send("POST /spaces", `{"name":"acme-prod","team":"acme"}`).is(201)
	w.advance()
	w.exchange(
		exchange{"POST /teams/apps", `{"name":"orders-api","space":"acme-prod","stack":"heroku-22"}`, 201, nil},
		exchange{"POST /apps/orders-api/addons", `{"plan":"papertrail","name":"orders-log"}`, 201,
			[]string{`config_vars=["PAPERTRAIL_API_TOKEN"]`}},
		exchange{"POST /apps/orders-api/addons", `{"plan":"scheduler"}`, 201, nil},
		exchange{"DELETE /apps/orders-api/addons/scheduler", "", 200, []string{"state=deprovisioned"}},
		exchange{"POST /apps/orders-api/domains", `{"hostname":"shop.acme.example"}`, 201, nil},
		exchange{"PATCH /apps/orders-api/config-vars", `{"A":"1"}`, 200, nil},
		exchange{"PATCH /apps/orders-api/config-vars", `{"A":null}`, 200, nil},
	)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	w = persistent(t, dir, "miniredis")
	w.Clock().Advance(time.Minute)
	w.exchange(
		exchange{"GET /addons/orders-log", "", 200, []string{"state=provisioned", "plan.name=papertrail:choklad"}},
		exchange{"GET /apps/orders-api", "", 200, []string{"stack.name=heroku-22"}},
		exchange{"GET /apps/orders-api/domains", "", 200, []string{"length=2"}},
		exchange{"GET /apps/orders-api/releases/7/config-vars", "", 200, []string{"A=1"}},
		exchange{"GET /apps/orders-api/releases/8/config-vars", "", 200, []string{"A="}},
		exchange{"DELETE /apps/orders-api", "", 200, nil},
		exchange{"DELETE /spaces/acme-prod", "", 200, nil},
	)
}
