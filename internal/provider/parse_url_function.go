// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// The function parse_url splits a store's URL. It asks nobody and needs no provider configuration.

var _ function.Function = parseURLFunction{}

type parseURLFunction struct{}

func newParseURLFunction() function.Function { return parseURLFunction{} }

type urlParts struct {
	Scheme   types.String `tfsdk:"scheme"`
	TLS      types.Bool   `tfsdk:"tls"`
	Host     types.String `tfsdk:"host"`
	Port     types.Int64  `tfsdk:"port"`
	Username types.String `tfsdk:"username"`
	Password types.String `tfsdk:"password"`
	Database types.Int64  `tfsdk:"database"`
}

func (parseURLFunction) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "parse_url"
}

func (parseURLFunction) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary: "Splits a Redis URL into its parts.",
		MarkdownDescription: "Splits a `redis://` or `rediss://` URL into an object with `scheme`, `tls`, `host`, `port`, `username`, `password` and `database`. " +
			"User name and password are decoded. A missing port is 6379. The database is that of the path or of `?db=`, and 0 when neither has one; a URL with two different ones is refused. " +
			"The result is sensitive when the URL is, and no error repeats any part of the URL.",
		Parameters: []function.Parameter{function.StringParameter{
			Name:                "url",
			MarkdownDescription: "The URL, such as the `url` of an ephemeral `kvs_credentials`.",
		}},
		Return: function.ObjectReturn{AttributeTypes: urlPartTypes},
	}
}

var urlPartTypes = map[string]attr.Type{
	"scheme":   types.StringType,
	"tls":      types.BoolType,
	"host":     types.StringType,
	"port":     types.Int64Type,
	"username": types.StringType,
	"password": types.StringType,
	"database": types.Int64Type,
}

func (parseURLFunction) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	var raw types.String
	if resp.Error = req.Arguments.Get(ctx, &raw); resp.Error != nil {
		return
	}
	// Terraform itself answers null with an error and unknown with unknown; what calls without it gets the same.
	if raw.IsUnknown() {
		resp.Error = resp.Result.Set(ctx, types.ObjectUnknown(urlPartTypes))
		return
	}
	if raw.IsNull() {
		resp.Error = function.NewArgumentFuncError(0, "the URL is null")
		return
	}
	parsed, err := keyvalue.ParseURL(raw.ValueString())
	if err != nil {
		resp.Error = function.NewArgumentFuncError(0, err.Error())
		return
	}
	resp.Error = resp.Result.Set(ctx, urlParts{
		Scheme:   types.StringValue(parsed.Scheme),
		TLS:      types.BoolValue(parsed.TLS),
		Host:     types.StringValue(parsed.Host),
		Port:     types.Int64Value(int64(parsed.Port)),
		Username: types.StringValue(parsed.Username),
		Password: types.StringValue(parsed.Password),
		Database: types.Int64Value(int64(parsed.Database)),
	})
}
