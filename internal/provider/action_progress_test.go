// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-log/tflogtest"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
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
	for _, want := range []string{"A progress message was lost", "a panic of type string", "orders-cache",
		"provider.TestInvocation_messageThatPanics"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %q:\n%s", want, log.String())
		}
	}
	if strings.Contains(log.String(), canary) {
		t.Error("the log repeats the panic's value")
	}
}

// What a wait has come to is a line of the log, and progress of the action that waits, if one does.
func TestLogWait(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	ctx := tflogtest.RootLogger(t.Context(), &log)
	waiting := heroku.Waiting{For: "add-on 7 to be provisioned", State: "provisioning", Elapsed: 61500 * time.Millisecond, Limit: time.Hour}
	logWait(ctx, waiting)
	lines, err := tflogtest.MultilineJSONDecode(&log)
	if err != nil || len(lines) != 1 {
		t.Fatalf("%v, %v", lines, err)
	}
	for field, want := range map[string]string{
		"@level": "info", "@message": "Waiting for add-on 7 to be provisioned", "state": "provisioning",
		"elapsed": "1m2s", "limit": "1h0m0s",
	} {
		if lines[0][field] != want {
			t.Errorf("%s is %v, want %s", field, lines[0][field], want)
		}
	}
	var heard []string
	i := storesAt(t, instantClock{}, nil).invoke(&action.InvokeResponse{SendProgress: func(event action.InvokeProgressEvent) {
		heard = append(heard, event.Message)
	}}, "orders-cache", stepHolding)
	i.step = stepHolding
	logWait(i.withProgress(ctx), waiting)
	if len(heard) != 1 || !strings.Contains(heard[0], "provisioning") {
		t.Errorf("the action says %q", heard)
	}
}
