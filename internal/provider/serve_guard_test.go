// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"reflect"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
)

// panicking is a server whose methods all panic.
type panicking struct{ server }

// Every method of the protocol answers a panic; which ones there are, the protocol says.
func TestGuard_everyMethodOfTheProtocol(t *testing.T) {
	t.Parallel()
	served := reflect.ValueOf(guarded{panicking{}})
	methods := 0
	for _, protocol := range []reflect.Type{
		reflect.TypeFor[tfprotov6.ProviderServer](), reflect.TypeFor[tfprotov6.ListResourceServer](),
		reflect.TypeFor[tfprotov6.ActionServer](),
	} {
		for i := range protocol.NumMethod() {
			method := protocol.Method(i)
			methods++
			request := reflect.New(method.Type.In(1).Elem())
			answers := served.MethodByName(method.Name).Call([]reflect.Value{reflect.ValueOf(t.Context()), request})
			if !answers[1].IsNil() {
				t.Errorf("%s: %v", method.Name, answers[1])
			}
			if said := saidOf(t, answers[0]); method.Name != "StopProvider" && (!strings.Contains(said,
				"The provider failed unexpectedly") || !strings.Contains(said, method.Name)) {
				t.Errorf("%s answers %q", method.Name, said)
			}
		}
	}
	if methods < 28 {
		t.Errorf("only %d methods", methods)
	}
}

// saidOf is what a response says by diagnostics, wherever it has them.
func saidOf(t *testing.T, response reflect.Value) (said string) {
	t.Helper()
	switch r := response.Interface().(type) {
	case *tfprotov6.CallFunctionResponse:
		return r.Error.Text
	case *tfprotov6.ListResourceServerStream:
		for result := range r.Results {
			said += result.Diagnostics[0].Summary + result.Diagnostics[0].Detail
		}
		return said
	case *tfprotov6.InvokeActionServerStream:
		for event := range r.Events {
			if over, ok := event.Type.(tfprotov6.CompletedInvokeActionEventType); ok {
				said += over.Diagnostics[0].Summary + over.Diagnostics[0].Detail
			}
		}
		return said
	}
	field := response.Elem().FieldByName("Diagnostics")
	if !field.IsValid() {
		return ""
	}
	diagnostics, _ := field.Interface().([]*tfprotov6.Diagnostic)
	for _, d := range diagnostics {
		said += d.Summary + d.Detail
	}
	return said
}

// streaming panics when its streams are read.
type streaming struct{ server }

func (streaming) ListResource(context.Context, *tfprotov6.ListResourceRequest) (*tfprotov6.ListResourceServerStream, error) {
	return &tfprotov6.ListResourceServerStream{Results: func(func(tfprotov6.ListResourceResult) bool) { panic("secret") }}, nil
}

func (streaming) InvokeAction(context.Context, *tfprotov6.InvokeActionRequest) (*tfprotov6.InvokeActionServerStream, error) {
	return &tfprotov6.InvokeActionServerStream{Events: func(func(tfprotov6.InvokeActionEvent) bool) { panic("secret") }}, nil
}

func TestGuard_streams(t *testing.T) {
	t.Parallel()
	g := guarded{streaming{}}
	list, err := g.ListResource(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	invoked, err := g.InvokeAction(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, stream := range []any{list, invoked} {
		if said := saidOf(t, reflect.ValueOf(stream)); !strings.Contains(said, "The provider failed unexpectedly") ||
			strings.Contains(said, "secret") {
			t.Errorf("%T: %q", stream, said)
		}
	}
}

// What Terraform would forget or lose stays as it was.
func TestGuard_keepsTheState(t *testing.T) {
	t.Parallel()
	g := guarded{panicking{}}
	state, identity := &tfprotov6.DynamicValue{JSON: []byte("{}")}, &tfprotov6.ResourceIdentityData{}
	read, err := g.ReadResource(t.Context(), &tfprotov6.ReadResourceRequest{CurrentState: state, Private: []byte("p"),
		CurrentIdentity: identity})
	if err != nil || read.NewState != state || string(read.Private) != "p" || read.NewIdentity != identity {
		t.Errorf("%+v, %v", read, err)
	}
	applied, err := g.ApplyResourceChange(t.Context(), &tfprotov6.ApplyResourceChangeRequest{PriorState: state,
		PlannedPrivate: []byte("p"), PlannedIdentity: identity})
	if err != nil || applied.NewState != state || string(applied.Private) != "p" || applied.NewIdentity != identity {
		t.Errorf("%+v, %v", applied, err)
	}
}

// What is served has the guard, with logs and without.
func TestGuard_isServed(t *testing.T) {
	t.Parallel()
	for how, served := range map[string]tfprotov6.ProviderServer{
		"without logs": NewServer("test"), "with logs": guardedServer(providerserver.NewProtocol6(New("test")())()),
	} {
		if _, ok := served.(guarded); !ok {
			t.Errorf("%s a %T is served", how, served)
		}
		if _, ok := served.(tfprotov6.ProviderServerWithActions); !ok { //nolint:staticcheck // it is what tf6server looks for
			t.Errorf("%s actions are lost", how)
		}
	}
}
