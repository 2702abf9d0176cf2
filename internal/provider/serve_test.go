// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"
	"os"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
)

func TestWhatIsServedCanStillDoEverything(t *testing.T) {
	t.Parallel()
	served := draining(releasing(providerserver.NewProtocol6(New("test")())()))
	if _, ok := served.(drainingServer); !ok {
		t.Error("the framework's server lacks something that ours wants, and keeps the memory of every request")
	}
	if _, ok := served.(tfprotov6.ProviderServerWithActions); !ok { //nolint:staticcheck // it is what tf6server looks for
		t.Error("actions are lost")
	}
	if _, ok := served.(tfprotov6.ProviderServerWithListResource); !ok { //nolint:staticcheck // as above
		t.Error("lists are lost")
	}
}

// Whoever asks for logs gets all of them; nobody else pays for them.
func TestNothingIsTracedUnlessSomebodyAsks(t *testing.T) {
	for variable, want := range map[string]bool{"": true, "TF_LOG": false, "TF_LOG_PROVIDER": false, "TF_LOG_SDK_PROTO": false} {
		t.Run("asked by "+variable, func(t *testing.T) {
			for _, each := range []string{"TF_LOG", "TF_LOG_PROVIDER", "TF_LOG_SDK", "TF_LOG_SDK_PROTO", "TF_LOG_CORE",
				"TF_LOG_PROVIDER_KVS", "TF_LOG_PATH"} {
				t.Setenv(each, "")
			}
			if variable != "" {
				t.Setenv(variable, "TRACE")
			}
			if got := silenceTrace(); got != want {
				t.Errorf("it is silenced: %t", got)
			}
			if off := os.Getenv("TF_LOG_SDK") == "OFF" && os.Getenv("TF_LOG_PROVIDER_KVS") == "OFF"; off != want {
				t.Errorf("tracing is off: %t", off)
			}
		})
	}
}

type contextKey struct{}

func TestContextHoldsOnToNothingOnceItsRequestIsAnswered(t *testing.T) {
	t.Parallel()
	parent, cancel := context.WithCancel(context.WithValue(t.Context(), contextKey{}, "value"))
	defer cancel()
	var kept context.Context
	_, err := release(parent, "request", func(ctx context.Context, _ string) (string, error) {
		child, stop := context.WithCancel(ctx) // as the framework does, which never stops it
		_ = stop
		kept = child
		if child.Value(contextKey{}) != "value" {
			t.Error("the context lacks what the request's carries, such as loggers")
		}
		if child.Err() != nil {
			t.Error(child.Err())
		}
		cancel()
		<-child.Done()
		return "", child.Err()
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the request was cancelled, and its context says %v", err)
	}
	if kept.Err() == nil || kept.Value(contextKey{}) != nil {
		t.Error("the context outlives the request")
	}
}
