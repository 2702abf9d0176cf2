// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// The ephemeral resource kvs_credentials is the URL of a store and its parts, read whenever they are needed and kept in
// neither plan nor state. It reads the present credentials and issues none, so opening it twice does no harm.

var _ ephemeral.EphemeralResourceWithConfigure = (*credentialsEphemeral)(nil)

type credentialsEphemeral struct{ connection }

func newCredentialsEphemeral() ephemeral.EphemeralResource { return &credentialsEphemeral{} }

type credentialsModel struct {
	InstanceID types.String `tfsdk:"instance_id"`
	URL        types.String `tfsdk:"url"`
	Host       types.String `tfsdk:"host"`
	Port       types.Int64  `tfsdk:"port"`
	Username   types.String `tfsdk:"username"`
	Password   types.String `tfsdk:"password"`
	TLS        types.Bool   `tfsdk:"tls"`
}

func (e *credentialsEphemeral) Metadata(_ context.Context, req ephemeral.MetadataRequest, resp *ephemeral.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_credentials"
}

func (e *credentialsEphemeral) Schema(_ context.Context, _ ephemeral.SchemaRequest, resp *ephemeral.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Reads the present URL of a store and its parts, without keeping them in the plan or the state. " +
			"Heroku changes them by itself, on failover for example, so read them where they are used and store them nowhere.",
		Attributes: map[string]schema.Attribute{
			"instance_id": schema.StringAttribute{
				MarkdownDescription: "UUID of the store, such as `kvs_instance.cache.id`.",
				Required:            true,
				Validators:          []validator.String{uuidValidator()},
			},
			"url": schema.StringAttribute{
				MarkdownDescription: "URL of the store, with its password.",
				Computed:            true,
				Sensitive:           true,
			},
			"host": schema.StringAttribute{
				MarkdownDescription: "Name of the server.",
				Computed:            true,
			},
			"port": schema.Int64Attribute{
				MarkdownDescription: "Port of the server.",
				Computed:            true,
			},
			"username": schema.StringAttribute{
				MarkdownDescription: "User name, which may be empty.",
				Computed:            true,
				Sensitive:           true,
			},
			"password": schema.StringAttribute{
				MarkdownDescription: "Password of the store.",
				Computed:            true,
				Sensitive:           true,
			},
			"tls": schema.BoolAttribute{
				MarkdownDescription: "Whether the server is to be spoken to over TLS. Heroku's certificates are self-signed.",
				Computed:            true,
			},
		},
	}
}

func (e *credentialsEphemeral) Configure(_ context.Context, req ephemeral.ConfigureRequest, resp *ephemeral.ConfigureResponse) {
	e.configure(req.ProviderData, &resp.Diagnostics)
}

func (e *credentialsEphemeral) Open(ctx context.Context, req ephemeral.OpenRequest, resp *ephemeral.OpenResponse) {
	defer recoverPanic(&resp.Diagnostics, "Reading credentials", nil)
	var result credentialsModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &result)...)
	if resp.Diagnostics.HasError() || !e.ready(&resp.Diagnostics) {
		return
	}
	id := heroku.AddOnID(result.InstanceID.ValueString())
	store, err := e.storeWithURL(ctx, id)
	if heroku.IsNotFound(err) {
		resp.Diagnostics.AddAttributeError(path.Root("instance_id"), "Key-Value Store not found",
			e.failure("", fmt.Sprintf("Key-Value Store %s", id), err).Detail())
		return
	}
	if err != nil {
		resp.Diagnostics.Append(e.failure("Unable to read credentials", fmt.Sprintf("Key-Value Store %s", id), err))
		return
	}
	if store.Preparing() {
		resp.Diagnostics.AddWarning("The credentials may change soon", fmt.Sprintf(
			"Key-Value Store %s is %s. When Heroku has finished, its URL may be another one.", id, firstOf(store.Status, "being prepared")))
	}
	resp.Diagnostics.Append(result.read(store)...)
	resp.Diagnostics.Append(resp.Result.Set(ctx, result)...)
}

// credentialsTimeout bounds the wait for a store that has no URL yet; one on a private plan takes up to ten minutes.
const credentialsTimeout = 15 * time.Minute

// storeWithURL waits for a store that has no URL yet. It may be one whose creation was interrupted, and the run that is
// to finish it opens this before.
func (e *credentialsEphemeral) storeWithURL(ctx context.Context, id heroku.AddOnID) (heroku.Store, error) {
	store, err := e.client.Store(ctx, id)
	if err == nil && store.ResourceURL != "" || err != nil && !heroku.IsNotFound(err) {
		return store, err
	}
	if _, err := e.client.AddOn(ctx, id); err != nil {
		return store, err
	}
	if _, err := e.client.WaitAddOnProvisioned(ctx, id, credentialsTimeout); err != nil {
		return store, err
	}
	return e.client.WaitStoreAvailable(ctx, id, "", credentialsTimeout)
}

// read is the one mapping from the store to the result. Its error repeats no part of the URL.
func (m *credentialsModel) read(store heroku.Store) diag.Diagnostics {
	var diags diag.Diagnostics
	parsed, err := keyvalue.ParseURL(store.ResourceURL.Reveal())
	if err != nil {
		diags.AddError("Unable to read credentials", fmt.Sprintf("Key-Value Store %s: %s.", store.AddOnID, err))
		return diags
	}
	m.URL = types.StringValue(store.ResourceURL.Reveal())
	m.Host = types.StringValue(parsed.Host)
	m.Port = types.Int64Value(int64(parsed.Port))
	m.Username = types.StringValue(parsed.Username)
	m.Password = types.StringValue(parsed.Password)
	m.TLS = types.BoolValue(parsed.TLS)
	return diags
}
