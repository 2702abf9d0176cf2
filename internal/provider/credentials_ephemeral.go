// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/ephemeral/timeouts"
	"github.com/hashicorp/terraform-plugin-framework-validators/ephemeralvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// The ephemeral resource kvs_credentials is the URL of a store and its parts. They are read whenever they are needed, and stored
// in neither plan nor state. It creates no new credentials, so opening it several times has no effect on the store.

var (
	_ ephemeral.EphemeralResourceWithConfigure        = (*credentialsEphemeral)(nil)
	_ ephemeral.EphemeralResourceWithConfigValidators = (*credentialsEphemeral)(nil)
	_ ephemeral.EphemeralResourceWithRenew            = (*credentialsEphemeral)(nil)
)

type credentialsEphemeral struct{ connection }

func newCredentialsEphemeral() ephemeral.EphemeralResource { return &credentialsEphemeral{} }

type credentialsModel struct {
	InstanceID     types.String   `tfsdk:"instance_id"`
	AppID          types.String   `tfsdk:"app_id"`
	AttachmentID   types.String   `tfsdk:"attachment_id"`
	AttachmentName types.String   `tfsdk:"attachment_name"`
	URL            types.String   `tfsdk:"url"`
	Host           types.String   `tfsdk:"host"`
	Port           types.Int64    `tfsdk:"port"`
	Username       types.String   `tfsdk:"username"`
	Password       types.String   `tfsdk:"password"`
	TLS            types.Bool     `tfsdk:"tls"`
	RedisCLI       types.List     `tfsdk:"redis_cli"`
	Timeouts       timeouts.Value `tfsdk:"timeouts"`
}

func (e *credentialsEphemeral) Metadata(_ context.Context, req ephemeral.MetadataRequest, resp *ephemeral.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_credentials"
}

func (e *credentialsEphemeral) Schema(ctx context.Context, _ ephemeral.SchemaRequest, resp *ephemeral.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Reads the current URL of a store and its parts, without storing them in the plan or the state. Heroku changes " +
			"them by itself, for example on failover, so read them where they are used. To keep a copy elsewhere up to date, use " +
			"`credentials_revision` of `kvs_instance` or `kvs_attachment`. While a run keeps the credentials open, the provider checks them " +
			"every five minutes and warns if they have changed, because Terraform cannot replace values that it has already handed out.",
		Attributes: map[string]schema.Attribute{
			"instance_id": schema.StringAttribute{
				MarkdownDescription: "UUID of the store, such as `kvs_instance.cache.id`. Set exactly one of `instance_id`, `attachment_id` and " +
					"`app_id`. If one of the other two is set, this is the UUID of the store that the attachment leads to.",
				Optional:   true,
				Computed:   true,
				Validators: []validator.String{uuidValidator()},
			},
			"attachment_id": schema.StringAttribute{
				MarkdownDescription: "UUID of an attachment, such as `kvs_attachment.cache.id`. The credentials are those of the attached store. " +
					"The UUID of a planned attachment is unknown, so the credentials are read after the attachment has been created. OpenTofu " +
					"refuses to destroy while the attachment is missing: apply first, which creates it again.",
				Optional:   true,
				Validators: []validator.String{uuidValidator()},
			},
			"app_id": schema.StringAttribute{
				MarkdownDescription: "UUID of an app, such as `kvs_app.web.id`. The credentials are those of the store that is attached to this " +
					"app under `attachment_name`. For an attachment that this configuration creates, set `attachment_id` instead: a name is known " +
					"before the attachment exists, so looking it up would fail during the plan.",
				Optional:   true,
				Validators: []validator.String{uuidValidator()},
			},
			"attachment_name": schema.StringAttribute{
				MarkdownDescription: "Name of the app's attachment. Defaults to `REDIS`, the primary store.",
				Optional:            true,
				Validators: []validator.String{validatedBy(keyvalue.ValidateAttachmentName),
					stringvalidator.AlsoRequires(path.MatchRoot("app_id"))},
			},
			"url": schema.StringAttribute{
				MarkdownDescription: "URL of the store, with its password.",
				Computed:            true,
				Sensitive:           true,
			},
			"host": schema.StringAttribute{
				MarkdownDescription: "Host name of the server.",
				Computed:            true,
			},
			"port": schema.Int64Attribute{
				MarkdownDescription: "Port of the server.",
				Computed:            true,
			},
			"username": schema.StringAttribute{
				MarkdownDescription: "User name, which can be empty.",
				Computed:            true,
				Sensitive:           true,
			},
			"password": schema.StringAttribute{
				MarkdownDescription: "Password of the store.",
				Computed:            true,
				Sensitive:           true,
			},
			"tls": schema.BoolAttribute{
				MarkdownDescription: "Whether to connect to the server over TLS. Heroku's certificates are self-signed.",
				Computed:            true,
			},
			"redis_cli": schema.ListAttribute{
				MarkdownDescription: "Arguments of `redis-cli` or `valkey-cli` for this store. They accept the self-signed certificate " +
					"(`--insecure`). They do not contain the password, because every user of the machine can see the arguments of a process. Pass " +
					"the password in the environment variable `REDISCLI_AUTH`.",
				Computed:    true,
				ElementType: types.StringType,
			},
			"timeouts": openTimeouts(ctx),
		},
	}
}

// openTimeouts is the library's timeouts attribute with a description and a validator, which the library has no options for.
func openTimeouts(ctx context.Context) schema.Attribute {
	attribute := timeouts.AttributesWithOpts(ctx, timeouts.Opts{
		OpenDescription: "How long to wait for a store that is not ready, such as `10m`. Defaults to `2m`. The provider also waits during a " +
			"plan.",
	})
	nested, ok := attribute.(schema.SingleNestedAttribute)
	if !ok {
		return attribute
	}
	nested.MarkdownDescription = "How long to wait for operations that take time."
	if limit, ok := nested.Attributes["open"].(schema.StringAttribute); ok {
		limit.Validators = []validator.String{durationValidator()}
		nested.Attributes["open"] = limit
	}
	return nested
}

func (e *credentialsEphemeral) Configure(_ context.Context, req ephemeral.ConfigureRequest, resp *ephemeral.ConfigureResponse) {
	e.configure(req.ProviderData, &resp.Diagnostics)
}

// ConfigValidators requires exactly one argument that identifies the store.
func (e *credentialsEphemeral) ConfigValidators(context.Context) []ephemeral.ConfigValidator {
	return []ephemeral.ConfigValidator{ephemeralvalidator.ExactlyOneOf(
		path.MatchRoot("instance_id"), path.MatchRoot("attachment_id"), path.MatchRoot("app_id"))}
}

func (e *credentialsEphemeral) Open(ctx context.Context, req ephemeral.OpenRequest, resp *ephemeral.OpenResponse) {
	defer recoverPanic(&resp.Diagnostics, "Reading credentials", nil)
	var result credentialsModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &result)...)
	if resp.Diagnostics.HasError() || !e.ready(&resp.Diagnostics) {
		return
	}
	resp.Diagnostics.Append(e.findStore(ctx, &result)...)
	if resp.Diagnostics.HasError() {
		return
	}
	timeout, diags := result.Timeouts.Open(ctx, credentialsTimeout)
	if resp.Diagnostics.Append(diags...); resp.Diagnostics.HasError() {
		return
	}
	store, diags := e.readStore(ctx, result.InstanceID, timeout)
	if resp.Diagnostics.Append(diags...); resp.Diagnostics.HasError() {
		return
	}
	if store.Preparing() {
		resp.Diagnostics.AddWarning("The credentials may change soon", fmt.Sprintf(
			"Key-Value Store %s is %s. When Heroku has finished, its URL may be different.", store.AddOnID,
			cmp.Or(store.Status, "being prepared")))
	}
	resp.Diagnostics.Append(result.read(store)...)
	resp.Diagnostics.Append(resp.Result.Set(ctx, result)...)
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, credentialsOpened, newOpening(store).marshal())...)
	resp.RenewAt = time.Now().Add(credentialsRenewal)
}

// findStore sets m.InstanceID to the store of the configured attachment, if there is one.
func (e *credentialsEphemeral) findStore(ctx context.Context, m *credentialsModel) diag.Diagnostics {
	attachment, diags := e.findAttachment(ctx, *m)
	if diags.HasError() || attachment.ID == "" {
		return diags
	}
	addOn, err := e.client.AddOn(ctx, attachment.AddOnID)
	if err != nil {
		return diag.Diagnostics{e.failureOf(runAgain, "Unable to read credentials",
			fmt.Sprintf("Key-Value Store %s", attachment.AddOnID), err)}
	}
	if addOn.Service != keyvalue.Service {
		return diag.Diagnostics{diag.NewErrorDiagnostic("Not a Key-Value Store",
			fmt.Sprintf("%s of app %s leads to the add-on %s of the service %s.", attachment.Name, attachment.AppName,
				addOn.Name, addOn.Service))}
	}
	m.InstanceID = types.StringValue(string(attachment.AddOnID))
	return nil
}

// findAttachment reads the configured attachment. It is empty if the configuration has instance_id.
func (e *credentialsEphemeral) findAttachment(ctx context.Context, m credentialsModel) (heroku.Attachment, diag.Diagnostics) {
	const summary = "Unable to find the attachment"
	var (
		attachment     heroku.Attachment
		err            error
		object, remedy string
		at             path.Path
	)
	switch {
	case !m.AttachmentID.IsNull():
		id := m.AttachmentID.ValueString()
		attachment, err = e.client.Attachment(ctx, heroku.AttachmentID(id))
		object, at = "Attachment "+id, path.Root("attachment_id")
		remedy = "It has been detached, or created again under another id. Plan again with a refresh: the id of a kvs_attachment that has to " +
			"be created again is then unknown while it is planned, and the credentials are read after it has been created."
	case !m.AppID.IsNull():
		name := cmp.Or(m.AttachmentName.ValueString(), keyvalue.PrimaryAttachment)
		attachment, err = e.client.AppAttachment(ctx, m.AppID.ValueString(), name)
		object, at = fmt.Sprintf("Attachment %s of app %s", name, m.AppID.ValueString()), path.Root("app_id")
		remedy = "If a kvs_attachment of this configuration creates it, set attachment_id to its id, in place of app_id and attachment_name: " +
			"the id is unknown while the attachment is planned, and the credentials are read after it has been created. Otherwise attach a " +
			"store to the app under this name, for example with `heroku addons:attach`, or correct the name."
	}
	var answer *heroku.Error
	switch {
	case heroku.IsNotFound(err) && errors.As(err, &answer) && answer.Resource != "app":
		return attachment, diag.Diagnostics{diag.NewAttributeErrorDiagnostic(at, summary,
			fmt.Sprintf("%s: %s\n\n%s", object, whatHappened(err), remedy))}
	case err != nil:
		return attachment, diag.Diagnostics{e.failureOf(runAgain, summary, object, err)}
	}
	return attachment, nil
}

func (e *credentialsEphemeral) readStore(ctx context.Context, instanceID types.String,
	timeout time.Duration) (heroku.Store, diag.Diagnostics) {
	var diags diag.Diagnostics
	id := heroku.AddOnID(instanceID.ValueString())
	store, err := e.storeWithURL(ctx, id, timeout)
	switch object := fmt.Sprintf("Key-Value Store %s", id); {
	case heroku.IsNotFound(err):
		diags.AddAttributeError(path.Root("instance_id"), "Key-Value Store not found", e.failureOf(runAgain, "", object, err).Detail()+
			"\n\nIf it is a kvs_instance of this configuration, it has been destroyed by hand: plan again, and not with -refresh=false. The id "+
			"of a store that has to be created again is then unknown while it is planned, and the credentials are read after it has been "+
			"created.")
	case err != nil:
		diags.Append(e.failureOf(runAgain, "Unable to read credentials", object, err))
	}
	return store, diags
}

const (
	credentialsRenewal = 5 * time.Minute
	credentialsOpened  = "opened"
)

// opening identifies the credentials that Open returned. Private data of an ephemeral resource is not stored, but it has only a
// hash of the URL all the same.
type opening struct {
	InstanceID string `json:"instance_id"`
	URL        []byte `json:"url_sha256"`
}

func newOpening(store heroku.Store) opening {
	sum := sha256.Sum256([]byte(store.ResourceURL.Reveal()))
	return opening{InstanceID: string(store.AddOnID), URL: sum[:]}
}

func (o opening) marshal() []byte {
	text, _ := json.Marshal(o) // strings and bytes can always be encoded
	return text
}

// Renew warns if the credentials have changed since Open, because it cannot replace them.
func (e *credentialsEphemeral) Renew(ctx context.Context, req ephemeral.RenewRequest, resp *ephemeral.RenewResponse) {
	defer recoverPanic(&resp.Diagnostics, "Looking at credentials again", nil)
	resp.RenewAt = time.Now().Add(credentialsRenewal)
	kept, diags := req.Private.GetKey(ctx, credentialsOpened)
	var opened opening
	if resp.Diagnostics.Append(diags...); resp.Diagnostics.HasError() || json.Unmarshal(kept, &opened) != nil ||
		!e.ready(&resp.Diagnostics) {
		return
	}
	store, err := e.client.Store(ctx, heroku.AddOnID(opened.InstanceID))
	switch {
	case err != nil: // a failed check is no reason to fail
	case !bytes.Equal(newOpening(store).URL, opened.URL):
		resp.Diagnostics.AddWarning("The credentials have changed", fmt.Sprintf(
			"The URL of Key-Value Store %s is no longer the one that this run has read: the credentials were rotated, or "+
				"the store was moved or failed over. Clients that use the old URL fail; apply again to use the new one.", opened.InstanceID))
		resp.Diagnostics.Append(resp.Private.SetKey(ctx, credentialsOpened, newOpening(store).marshal())...)
	}
}

// credentialsTimeout is short, because plans wait for it too. It is long enough for the Data API to learn of a new store, which
// takes some seconds to minutes after the Platform API (Data API reference, stores). The creation of a store is waited for by
// kvs_instance in the same configuration.
const credentialsTimeout = 2 * time.Minute

// storeWithURL reads a store, and waits for its URL. The creation of the store may have been interrupted, and the run that
// continues it opens this ephemeral resource first.
func (e *credentialsEphemeral) storeWithURL(ctx context.Context, id heroku.AddOnID, timeout time.Duration) (heroku.Store, error) {
	started := e.client.Clock().Now()
	store, err := e.client.Store(ctx, id)
	if err == nil && store.ResourceURL != "" || err != nil && !heroku.IsNotFound(err) {
		return store, err
	}
	if _, err := e.client.AddOn(ctx, id); err != nil {
		return store, err
	}
	if _, err := e.client.WaitAddOnProvisioned(ctx, id, timeout); err != nil {
		return store, err
	}
	return e.client.WaitStoreAvailable(ctx, id, "", max(timeout-e.client.Clock().Now().Sub(started), 0))
}

// revisionOf is the revision of a store's credentials. Without a URL it is the known one, or null.
func revisionOf(id heroku.AddOnID, url heroku.Secret, known types.Int64) types.Int64 {
	switch {
	case url != "":
		return types.Int64Value(keyvalue.CredentialsRevision(string(id), url.Reveal()))
	case known.IsUnknown():
		return types.Int64Null()
	}
	return known
}

// revisionSeen is the revision of the URL that this run last read, so that a store is not read once for each attachment. It is
// null if the Data API does not answer.
func (c *connection) revisionSeen(ctx context.Context, id heroku.AddOnID) types.Int64 {
	url, err := c.client.CachedStoreURL(ctx, id)
	if err != nil {
		return types.Int64Null()
	}
	return revisionOf(id, url, types.Int64Null())
}

// read maps the store to the result. Its errors contain no part of the URL.
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
	m.RedisCLI = types.ListValueMust(types.StringType, stringValues(parsed.RedisCLI()))
	return diags
}
