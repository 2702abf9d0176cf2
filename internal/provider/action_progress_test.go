// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"bytes"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-log/tflogtest"
)

// A message that cannot be sent is lost, and nothing else: what was begun goes on, and is put back in the end.
func TestInvocation_messageThatPanics(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	ctx := tflogtest.RootLogger(t.Context(), &log)
	var heard []string
	c := storesAt(t, instantClock{}, nil)
	i := c.invoke(&action.InvokeResponse{SendProgress: func(event action.InvokeProgressEvent) {
		if heard = append(heard, event.Message); len(heard) == 1 {
			panic(canary)
		}
	}}, "orders-cache", stepHolding, stepPutBack)
	i.begin(ctx, stepHolding)
	i.begin(ctx, stepPutBack)
	if len(heard) != 2 || !strings.Contains(heard[1], "step 2 of 2, putting the apps back") {
		t.Errorf("it says %q", heard)
	}
	for _, want := range []string{"A progress message was lost", "a panic of type string", "orders-cache", "provider.TestInvocation_messageThatPanics"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %q:\n%s", want, log.String())
		}
	}
	if strings.Contains(log.String(), canary) {
		t.Error("the log repeats the panic's value")
	}
}
