// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

func TestSetAppMaintenance(t *testing.T) {
	t.Parallel()
	w := newKeptWorld(t, "mini")
	switched := func(on bool) values { return values{"app_id": string(w.api), "maintenance": on} }
	w.invoke("kvs_set_app_maintenance", switched(true)).succeeded("orders-api: step 1 of 1, switching maintenance mode on", "done")
	w.ExpectApp(w.api, "maintenance clock=0 web=2 worker=1")
	w.ResetJournal()
	w.invoke("kvs_set_app_maintenance", switched(true)).succeeded("it was so already")
	if writes := w.Requests("PATCH", ".*"); len(writes) != 0 {
		t.Error(writes)
	}
	w.Inject(sandbox.Fault{Match: sandbox.Match{Method: "PATCH", Path: "/apps/*", Times: 1}, Do: sandbox.Effect{Status: 403}})
	w.invoke("kvs_set_app_maintenance", switched(false)).failed("Unable to switch the maintenance mode of the app", "403")
	w.invokeUntil("switching maintenance mode off", "kvs_set_app_maintenance", switched(false))
	w.invoke("kvs_set_app_maintenance", switched(false)).succeeded("switching maintenance mode off")
	w.expectBoth(running)
}
