// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// callParseURL calls the function as Terraform does.
func callParseURL(t *testing.T, argument tftypes.Value) (*tftypes.Value, *tfprotov6.FunctionError) {
	t.Helper()
	raw, err := tfprotov6.NewDynamicValue(tftypes.String, argument)
	if err != nil {
		t.Fatal(err)
	}
	server := providerserver.NewProtocol6(New("test")())()
	resp, err := server.CallFunction(t.Context(), &tfprotov6.CallFunctionRequest{Name: "parse_url",
		Arguments: []*tfprotov6.DynamicValue{&raw}})
	if err != nil {
		t.Fatal(err)
	}
	if resp.Error != nil {
		return nil, resp.Error
	}
	result, err := resp.Result.Unmarshal(tftypes.Object{AttributeTypes: map[string]tftypes.Type{
		"scheme": tftypes.String, "tls": tftypes.Bool, "host": tftypes.String, "port": tftypes.Number,
		"username": tftypes.String, "password": tftypes.String, "database": tftypes.Number,
	}})
	if err != nil {
		t.Fatal(err)
	}
	return &result, nil
}

// The database is in the path or in the query string, as clients write it.
func TestParseURL_known(t *testing.T) {
	t.Parallel()
	for _, database := range []string{"/2", "?db=2", "/2?db=2", "/?a=b&db=2"} {
		expectParts(t, "rediss://h:p%40ss@redis.example.com:6380"+database)
	}
}

func expectParts(t *testing.T, url string) {
	t.Helper()
	result, problem := callParseURL(t, tftypes.NewValue(tftypes.String, url))
	if problem != nil {
		t.Fatalf("%s: %s", url, problem.Text)
	}
	want := tftypes.NewValue(result.Type(), map[string]tftypes.Value{
		"scheme":   tftypes.NewValue(tftypes.String, "rediss"),
		"tls":      tftypes.NewValue(tftypes.Bool, true),
		"host":     tftypes.NewValue(tftypes.String, "redis.example.com"),
		"port":     tftypes.NewValue(tftypes.Number, 6380),
		"username": tftypes.NewValue(tftypes.String, "h"),
		"password": tftypes.NewValue(tftypes.String, "p@ss"),
		"database": tftypes.NewValue(tftypes.Number, 2),
	})
	if !result.Equal(want) {
		t.Errorf("%s: result = %s, want %s", url, result, want)
	}
}

func TestParseURL_unknown(t *testing.T) {
	t.Parallel()
	result, problem := callParseURL(t, tftypes.NewValue(tftypes.String, tftypes.UnknownValue))
	if problem != nil {
		t.Fatal(problem.Text)
	}
	if result.IsKnown() {
		t.Errorf("result = %s, want it to be unknown", result)
	}
}

func TestParseURL_refused(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		argument tftypes.Value
		secret   string
	}{
		"null is no URL":                        {tftypes.NewValue(tftypes.String, nil), ""},
		"nothing is no URL":                     {tftypes.NewValue(tftypes.String, ""), ""},
		"another scheme is refused":             {tftypes.NewValue(tftypes.String, "https://h:hunter2@example.com"), "hunter2"},
		"a bad port is refused":                 {tftypes.NewValue(tftypes.String, "rediss://h:hunter2@example.com:port"), "hunter2"},
		"a URL without its scheme is refused":   {tftypes.NewValue(tftypes.String, "hunter2"), "hunter2"},
		"a bad escape in a password is refused": {tftypes.NewValue(tftypes.String, "rediss://h:hunter2%zz@example.com"), "hunter2"},
		"two databases are refused":             {tftypes.NewValue(tftypes.String, "rediss://h:hunter2@example.com/1?db=2"), "hunter2"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result, problem := callParseURL(t, test.argument)
			if problem == nil {
				t.Fatalf("result = %s, want an error", result)
			}
			if problem.FunctionArgument == nil || *problem.FunctionArgument != 0 {
				t.Errorf("the error is not about the argument: %s", problem.Text)
			}
			if test.secret != "" && strings.Contains(problem.Text, test.secret) {
				t.Errorf("the error repeats a part of the URL: %s", problem.Text)
			}
		})
	}
}
