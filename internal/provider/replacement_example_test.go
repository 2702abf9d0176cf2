// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"path/filepath"
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
)

// The example is the end of a move; here is the whole of it, and what the guide says beside it.
func TestAccReplacement_example(t *testing.T) {
	t.Parallel()
	content := string(fileOf(t, filepath.Join(examplesDir, "premium-to-private", "main.tf")))
	l := newLab(t, content)
	l.mustApply(content, "-var=in_space=false")
	redis := l.Redis(t, "acme-orders-cache")
	seed(t, redis)
	seeded := datasetOf(t, redis)

	result := l.mustApply(content) // protection does not stop the move
	for _, says := range []string{
		"Plan: 0 to add, 2 to change, 0 to destroy.",
		"The store will be replaced by a fork of it",
		"The attached apps are in maintenance mode and scaled to 0 meanwhile, so that no write is lost.",
		"lose access to the data: acme-orders.",
		"The copy could not be verified",
	} {
		if !acctest.Says(says).MatchString(result.Output()) {
			t.Errorf("the apply does not say %q:\n%s", says, result.Output())
		}
	}
	l.expectServed(map[string]string{"acme-orders-inside": "REDIS", "acme-orders": "REDIS"}, seeded)
	expectScale(t, l.Sandbox, "acme-orders", map[string]int{"web": 1, "worker": 1})
	expectScale(t, l.Sandbox, "acme-orders-inside", map[string]int{"web": 1, "worker": 1})
	l.expectStores(2)
	l.expectNoChanges()
	t.Log(result.Output()) // what the guide quotes
	l.cli.Unprotect(content)
	l.mustApply(content)
	if destroyed := l.run(mishap{}, "destroy", "-auto-approve", "-input=false"); destroyed.Code != 0 || len(l.Living()) > 0 {
		t.Errorf("destroy exited %d, and %+v live on:\n%s", destroyed.Code, l.Living(), destroyed.Output())
	}
}
