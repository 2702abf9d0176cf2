// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
)

// The precondition is checked before each write, and never for a read.
func TestOnlyWhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		over := errors.New("it is over")
		asked := 0
		_, client, stores := storesOnOneApp(t)
		ctx := heroku.OnlyWhile(t.Context(), func() error {
			if asked++; asked > 1 {
				return over
			}
			return nil
		})
		if _, err := client.FindAddOn(ctx, string(stores[0])); err != nil || asked != 0 {
			t.Errorf("a read was asked about %d times (%v)", asked, err)
		}
		if err := client.DeleteAttachment(ctx, "first"); err != nil || asked != 1 {
			t.Errorf("the first write was asked about %d times (%v)", asked, err)
		}
		err := client.DeleteAttachment(ctx, "second")
		if !errors.Is(err, over) || !strings.Contains(err.Error(), http.MethodDelete+" /addon-attachments/second was not sent") {
			t.Errorf("the second write ended with %v", err)
		}
	})
}
