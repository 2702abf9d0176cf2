// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/list"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/replacement"
)

var (
	_ provider.ProviderWithActions            = (*kvsProvider)(nil)
	_ provider.ProviderWithEphemeralResources = (*kvsProvider)(nil)
	_ provider.ProviderWithFunctions          = (*kvsProvider)(nil)
	_ provider.ProviderWithListResources      = (*kvsProvider)(nil)
)

type kvsProvider struct {
	version string
	getenv  func(string) string
	edits   []func(*heroku.Options)

	sessions *sessions // once it is configured
}

// Option adjusts a provider that does not run under Terraform alone, such as one in a test.
type Option func(*kvsProvider)

// WithClient edits the client's options last, so that it wins over the configuration and the environment.
func WithClient(edit func(*heroku.Options)) Option {
	return func(p *kvsProvider) { p.edits = append(p.edits, edit) }
}

// New returns the provider in the form that terraform-plugin-framework serves.
func New(version string, opts ...Option) func() provider.Provider {
	return func() provider.Provider {
		p := &kvsProvider{version: version, getenv: os.Getenv}
		for _, opt := range opts {
			opt(p)
		}
		return p
	}
}

type providerModel struct {
	APIKey     types.String `tfsdk:"api_key"`
	APIURL     types.String `tfsdk:"api_url"`
	DataAPIURL types.String `tfsdk:"data_api_url"`
	Probe      types.String `tfsdk:"probe"`

	ChangeControl types.Object `tfsdk:"change_control"`
}

func (p *kvsProvider) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = "kvs"
	resp.Version = p.version
}

func (p *kvsProvider) Schema(_ context.Context, _ provider.SchemaRequest, resp *provider.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Manages Heroku Key-Value Store: apps, stores, their settings and plans, and how they are attached to apps.",
		Attributes: map[string]schema.Attribute{
			"api_key": schema.StringAttribute{
				MarkdownDescription: "Heroku API token, as `heroku authorizations:create` prints it. " +
					"When absent, the environment variable `HEROKU_API_KEY` is used, and after it the netrc file's " +
					"entry for the host of `api_url`, which is sent to no other host.",
				Validators: []validator.String{notBlank(
					"a token, for example one that `heroku authorizations:create` has printed", "HEROKU_API_KEY or the netrc file")},
				Optional:  true,
				Sensitive: true,
			},
			"api_url": schema.StringAttribute{
				MarkdownDescription: "Base URL of the Platform API. It begins with `https://`; `http://` is accepted " +
					"for this machine only. " +
					"When absent, the environment variable `HEROKU_API_URL` is used, and after it `https://api.heroku.com`.",
				Validators: []validator.String{notBlank("a URL, for example https://api.heroku.com", "HEROKU_API_URL")},
				Optional:   true,
			},
			"data_api_url": schema.StringAttribute{
				MarkdownDescription: "Base URL of the Data API, which serves the settings and credentials of stores, " +
					"with the same rule for `http://`. " +
					"When absent, the environment variable `HEROKU_DATA_API_URL` is used, and after it `https://api.data.heroku.com`.",
				Validators: []validator.String{notBlank("a URL, for example https://api.data.heroku.com", "HEROKU_DATA_API_URL")},
				Optional:   true,
			},
			"probe":          probeAttribute(),
			"change_control": changeControlAttribute(),
		},
	}
}

func (p *kvsProvider) Configure(ctx context.Context, req provider.ConfigureRequest, resp *provider.ConfigureResponse) {
	var config providerModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.HasError() {
		return
	}
	// An unknown value must not fall back to the environment: the plan would speak to another account than the apply.
	if config.APIKey.IsUnknown() || config.APIURL.IsUnknown() || config.DataAPIURL.IsUnknown() || config.Probe.IsUnknown() {
		return
	}
	control, known, diags := p.changeControl(ctx, config.ChangeControl)
	if resp.Diagnostics.Append(diags...); !known || diags.HasError() {
		return
	}
	options, err := p.options(config, req.TerraformVersion)
	if err != nil {
		resp.Diagnostics.Append(unusableCredential(err))
		return
	}
	if control.Control != nil {
		options.Announce = control.announce
	}
	sessions := &sessions{connect: func() (connection, error) { return connect(options, config.Probe.ValueString(), control) }}
	if err := sessions.renew(); err != nil {
		resp.Diagnostics.AddError("Invalid provider configuration", capital(err.Error())+".\n\n"+
			"The URLs come from api_url and data_api_url, or else from HEROKU_API_URL and HEROKU_DATA_API_URL. "+
			"Without any, https://api.heroku.com and https://api.data.heroku.com are used. Nothing was sent.")
		return
	}
	conn := sessions.now.Load()
	control.keepRecord(conn.client, p.getenv)
	// One free request, so that a wrong token is one error here instead of one for each resource.
	if _, err := conn.client.RateLimit(ctx); err != nil {
		const summary = "Unable to use the Heroku API"
		const object = "Checking the API token"
		if heroku.HasStatus(err, http.StatusNotFound) { // Heroku has that path
			resp.Diagnostics.AddError(summary, fmt.Sprintf("%s: %s\n\nHeroku has this path, so that the URL of the "+
				"API is another one: check api_url (or HEROKU_API_URL).",
				object, whatHappened(err)))
			return
		}
		resp.Diagnostics.Append(conn.failure(summary, object, err))
		return
	}
	p.sessions = sessions
	resp.ResourceData = sessions
	resp.DataSourceData = sessions
	resp.EphemeralResourceData = sessions
	resp.ActionData = sessions
	resp.ListResourceData = sessions
}

func connect(options heroku.Options, probing string, control control) (connection, error) {
	client, err := heroku.New(options)
	if err != nil {
		return connection{}, err
	}
	conn := connection{
		client: client, tokenSource: options.Credential.Source, protected: &protectedStores{}, plans: &plannedPlans{},
		names: &takenNames{}, owners: &spaceOwners{}, holds: &replacement.AppLocks{}, run: newRun(), regionList: &regionList{},
		offered: &offeredPlans{}, varNames: &varNames{}, orders: &replacement.AppLocks{},
		probing: probing, certificates: newCertificates(probing), control: control,
	}
	conn.run.asking = client.InFlight
	return conn, nil
}

// unusableCredential tells a token that is missing from one that is there and cannot be used.
func unusableCredential(err error) diag.Diagnostic {
	at := path.Root("api_key")
	if errors.Is(err, heroku.ErrNoCredential) {
		return diag.NewAttributeErrorDiagnostic(at, "No Heroku API token was found", capital(err.Error())+".")
	}
	if errors.Is(err, heroku.ErrUnusableNetrc) {
		return diag.NewAttributeErrorDiagnostic(at, "The netrc file cannot be used", capital(err.Error())+
			".\n\nCorrect the file, for example with `heroku login`, which writes the entry, or set HEROKU_API_KEY, "+
			"which comes before it. Nothing was sent to Heroku.")
	}
	return diag.NewAttributeErrorDiagnostic(at, "The Heroku API token cannot be used", capital(err.Error())+
		".\n\nCorrect it there: a token is one word, as `heroku authorizations:create` prints it. Nothing was sent to Heroku.")
}

// options merges the configuration, then the environment, then the edits of WithClient, which win.
func (p *kvsProvider) options(config providerModel, terraformVersion string) (heroku.Options, error) {
	apiURL := cmp.Or(config.APIURL.ValueString(), p.getenv("HEROKU_API_URL"))
	credential, err := heroku.FindCredential(config.APIKey.ValueString(), p.getenv, apiURL)
	options := heroku.Options{
		APIURL:     apiURL,
		DataAPIURL: cmp.Or(config.DataAPIURL.ValueString(), p.getenv("HEROKU_DATA_API_URL")),
		Credential: credential,
		UserAgent:  strings.TrimSpace("terraform-provider-kvs/" + p.version + " (Terraform " + terraformVersion + ") " + p.getenv("TF_APPEND_USER_AGENT")),
		Observe:    logAttempt,
		Waits:      logWait,
	}
	for _, edit := range p.edits {
		edit(&options)
	}
	if options.Credential.Token == "" {
		return options, err
	}
	return options, nil
}

// capital begins a sentence.
func capital(text string) string { return strings.ToUpper(text[:1]) + text[1:] }

// logAttempt writes one line for each HTTP request. An Attempt holds neither headers nor bodies, so nothing needs masking.
func logAttempt(ctx context.Context, attempt heroku.Attempt) {
	const subsystem = "heroku"
	fields := map[string]any{
		"method":      attempt.Method,
		"host":        attempt.Host,
		"path":        attempt.Path,
		"status":      attempt.Status,
		"duration_ms": attempt.Duration.Milliseconds(),
		"request_id":  attempt.RequestID,
		"try":         attempt.Try,
	}
	if attempt.Err != "" {
		fields["error"] = attempt.Err
	}
	ctx = tflog.NewSubsystem(ctx, subsystem, tflog.WithLevelFromEnv("TF_LOG_PROVIDER_KVS_HEROKU"))
	tflog.SubsystemDebug(ctx, subsystem, "Heroku API request", fields)
}

// logWait writes one line for what a wait has come to, and lets an action say it as its progress.
func logWait(ctx context.Context, w heroku.Waiting) {
	if i, ok := ctx.Value(watched{}).(*invocation); ok && w.State != "" {
		i.say(ctx, w.State)
	}
	tflog.Info(ctx, "Waiting for "+w.For, map[string]any{
		"state": w.State, "elapsed": w.Elapsed.Round(time.Second).String(), "limit": w.Limit.Round(time.Second).String(),
	})
}

func (p *kvsProvider) Resources(context.Context) []func() resource.Resource {
	return []func() resource.Resource{
		govern[appModel](newAppResource), govern[instanceModel](newInstanceResource), govern[attachmentModel](newAttachmentResource),
		govern[maintenanceWindowModel](newMaintenanceWindowResource), govern[privateSpaceModel](newPrivateSpaceResource),
		govern[trustedRangesModel](newTrustedRangesResource), govern[trustedRangeModel](newTrustedRangeResource),
		govern[spaceAppAccessModel](newSpaceAppAccessResource), govern[formationModel](newFormationResource),
	}
}

func (p *kvsProvider) DataSources(context.Context) []func() datasource.DataSource {
	return []func() datasource.DataSource{
		newAppDataSource, newAttachmentsDataSource, newInstanceDataSource, newInstancesDataSource, newMaintenanceDataSource,
		newPlansDataSource, newPrivateSpaceDataSource, newRegionsDataSource, newUsageDataSource,
	}
}

func (p *kvsProvider) EphemeralResources(context.Context) []func() ephemeral.EphemeralResource {
	return []func() ephemeral.EphemeralResource{newCredentialsEphemeral}
}

func (p *kvsProvider) Actions(context.Context) []func() action.Action {
	const store = "instance_id"
	return []func() action.Action{
		governAction(newAppMaintenanceAction, "app_id"), governAction(newCredentialsAction, store),
		governAction(newMaintenanceRunAction, store),
		governAction(newMaintenanceScheduleAction, store), governAction(newStatsAction, store), governAction(newVersionAction, store),
	}
}

func (p *kvsProvider) ListResources(context.Context) []func() list.ListResource {
	return listResources()
}

func (p *kvsProvider) Functions(context.Context) []func() function.Function {
	return []func() function.Function{newParseURLFunction, newVerifyChangeRecordFunction}
}

// connection is what the configured provider hands to everything that speaks to Heroku; each of them embeds it.
type connection struct {
	client      *heroku.Client // nil while the provider is not configured
	tokenSource string         // where the token came from, in words
	protected   *protectedStores
	plans       *plannedPlans
	names       *takenNames
	owners      *spaceOwners
	holds       *replacement.AppLocks
	run         *run
	regionList  *regionList
	offered     *offeredPlans
	varNames    *varNames
	orders      *replacement.AppLocks // of stores without a name for their attachment

	probing      string // how running stores are asked: probeOff, or one of the others
	certificates *certificates
	control      control
}

// configure takes what Configure of the provider prepared; nil (validate, or unknown provider values) leaves c unready.
func (c *connection) configure(providerData any, diags *diag.Diagnostics) {
	if providerData == nil {
		return
	}
	s, ok := providerData.(*sessions)
	if !ok {
		diags.AddError("Unexpected provider data", "This is a bug in the provider: please report it with the steps that led here.")
		return
	}
	*c = *s.now.Load()
}

// ready reports whether Heroku can be asked, with a diagnostic when it cannot.
func (c *connection) ready(diags *diag.Diagnostics) bool {
	if c.client != nil {
		return true
	}
	diags.AddError("The kvs provider is not configured yet",
		"A value in the provider's configuration is known only after apply, so Heroku cannot be asked now. "+
			"Give api_key, api_url and data_api_url values that are known at plan time (variables, environment "+
			"variables or the netrc file), "+
			"or first apply what they come from with -target.")
	return false
}
