// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/changecontrol"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// The function parse_url splits a store's URL. It sends no requests and needs no provider configuration.

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
		MarkdownDescription: "Splits a `redis://` or `rediss://` URL into an object with `scheme`, `tls`, `host`, `port`, `username`, " +
			"`password` and `database`. The user name and the password are decoded. The port is 6379 if the URL has none. The database comes " +
			"from the path or from `?db=`, and is 0 if neither has one; a URL with two different databases is refused. The result is sensitive " +
			"if the URL is sensitive, and no error message repeats any part of the URL.",
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

// The function verify_change_record verifies a record of changes. It sends no requests and needs no provider configuration.

var _ function.Function = verifyChangeRecordFunction{}

type verifyChangeRecordFunction struct{}

func newVerifyChangeRecordFunction() function.Function { return verifyChangeRecordFunction{} }

type recordVerification struct {
	Valid       types.Bool        `tfsdk:"valid"`
	Lines       types.Int64       `tfsdk:"lines"`
	FirstBroken types.Int64       `tfsdk:"first_broken"`
	Head        types.String      `tfsdk:"head"`
	Unanswered  []unansweredWrite `tfsdk:"unanswered"`
}

type unansweredWrite struct {
	Seq       types.Int64   `tfsdk:"seq"`
	Time      types.String  `tfsdk:"time"`
	Reference types.String  `tfsdk:"reference"`
	Method    types.String  `tfsdk:"method"`
	Path      types.String  `tfsdk:"path"`
	Object    changedObject `tfsdk:"object"`
}

type changedObject struct {
	Kind  types.String `tfsdk:"kind"`
	ID    types.String `tfsdk:"id"`
	Name  types.String `tfsdk:"name"`
	App   types.String `tfsdk:"app"`
	Space types.String `tfsdk:"space"`
}

func (verifyChangeRecordFunction) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "verify_change_record"
}

func (verifyChangeRecordFunction) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary: "Checks a record of changes.",
		MarkdownDescription: "Checks the record of changes that this provider has written, and returns an object with\n\n* `valid` – " +
			"whether every line is unchanged and in its original position\n* `lines` – the number of lines\n* `first_broken` – the number of " +
			"the first line that was changed, moved or inserted, or before which a line was removed; null if there is none\n* `head` – the " +
			"SHA-256 of the last line that is in order; null if there is none\n* `unanswered` – the writes that were about to be sent and " +
			"whose result the record does not contain, with `seq`, `time`, `reference`, `method`, `path` and `object`. A process can be killed " +
			"at any time, so they do not make a record invalid: check at Heroku whether they were carried out\n\nEach line contains the hash " +
			"of the line before it. Lines that are removed at the end therefore leave a shorter record that is valid, and somebody who " +
			"rewrites all lines also leaves a valid record. To detect this too, store `lines` and `head` elsewhere after each run, such as in " +
			"the log of the CI job or in the change ticket: a later record must have that `head` after its first `lines` lines. The record is " +
			"checked byte by byte, so do not let a tool convert its line endings.",
		Parameters: []function.Parameter{function.StringParameter{
			Name:                "text",
			MarkdownDescription: "The whole record, as returned by `file(\"kvs-changes.jsonl\")`.",
		}},
		Return: function.ObjectReturn{AttributeTypes: recordVerificationTypes},
	}
}

var (
	changedObjectTypes = map[string]attr.Type{
		"kind":  types.StringType,
		"id":    types.StringType,
		"name":  types.StringType,
		"app":   types.StringType,
		"space": types.StringType,
	}
	unansweredWriteTypes = map[string]attr.Type{
		"seq":       types.Int64Type,
		"time":      types.StringType,
		"reference": types.StringType,
		"method":    types.StringType,
		"path":      types.StringType,
		"object":    types.ObjectType{AttrTypes: changedObjectTypes},
	}
	recordVerificationTypes = map[string]attr.Type{
		"valid":        types.BoolType,
		"lines":        types.Int64Type,
		"first_broken": types.Int64Type,
		"head":         types.StringType,
		"unanswered":   types.ListType{ElemType: types.ObjectType{AttrTypes: unansweredWriteTypes}},
	}
)

func (verifyChangeRecordFunction) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	var text types.String
	if resp.Error = req.Arguments.Get(ctx, &text); resp.Error != nil {
		return
	}
	// Terraform itself answers null with an error and unknown with unknown; what calls without it gets the same.
	if text.IsUnknown() {
		resp.Error = resp.Result.Set(ctx, types.ObjectUnknown(recordVerificationTypes))
		return
	}
	if text.IsNull() {
		resp.Error = function.NewArgumentFuncError(0, "the text is null")
		return
	}
	found := changecontrol.Verify([]byte(text.ValueString()))
	result := recordVerification{
		Valid:      types.BoolValue(found.Valid),
		Lines:      types.Int64Value(int64(found.Lines)),
		Unanswered: make([]unansweredWrite, len(found.Unanswered)),
	}
	if found.FirstBroken > 0 {
		result.FirstBroken = types.Int64Value(int64(found.FirstBroken))
	}
	if found.Head != "" {
		result.Head = types.StringValue(found.Head)
	}
	for i, l := range found.Unanswered {
		result.Unanswered[i] = unansweredWrite{
			Seq: types.Int64Value(l.Seq), Time: types.StringValue(l.Time), Reference: types.StringValue(l.Reference),
			Method: types.StringValue(l.Method), Path: types.StringValue(l.Path),
			Object: changedObject{
				Kind: types.StringValue(l.Object.Kind), ID: types.StringValue(l.Object.ID), Name: types.StringValue(l.Object.Name),
				App: types.StringValue(l.Object.App), Space: types.StringValue(l.Object.Space),
			},
		}
	}
	resp.Error = resp.Result.Set(ctx, result)
}
