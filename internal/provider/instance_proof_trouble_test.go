// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
)

// An interrupt in the middle of a look is neither a store that is out of reach nor consent to go on without proof.
func TestProveSource_interrupted(t *testing.T) {
	t.Parallel()
	for name, external := range map[string]bool{"a store of Heroku's": false, "a server elsewhere": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			silent := startFakeServer(t, "silence")
			ctx, cancel := context.WithCancel(t.Context())
			defer time.AfterFunc(50*time.Millisecond, cancel).Stop()
			got := storesAt(t, instantClock{}, nil).proveSource(ctx, heroku.Secret(silent.URL), path.Root("fork"), external, "premium-0", true)
			want := []string{"Error: Unable to ask the source of the fork | The source of the fork, of which nothing " +
				"has been copied yet: looking at the store: context canceled.\n\nThe run was interrupted"}
			if external {
				want = append(want, "Warning: The data is copied without encryption")
			}
			expectDiagnostics(t, got, want...)
			expectNoURL(t, printed(got), silent.URL)
		})
	}
}
