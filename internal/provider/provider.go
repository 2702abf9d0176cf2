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

	sessions *sessions // nil until the provider is configured
}

// Option adjusts a provider, for instance in a test.
type Option func(*kvsProvider)

// WithClient edits the client's options after the configuration and the environment, so that the edits take precedence.
func WithClient(edit func(*heroku.Options)) Option {
	return func(p *kvsProvider) { p.edits = append(p.edits, edit) }
}

// New returns a constructor of the provider, as terraform-plugin-framework expects it.
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
		MarkdownDescription: "Manages Heroku Key-Value Store: apps, stores, the settings and plans of stores, and their attachments to apps.",
		Attributes: map[string]schema.Attribute{
			"api_key": schema.StringAttribute{
				MarkdownDescription: "Heroku API token, as printed by `heroku authorizations:create`. If omitted, the provider uses the " +
					"environment variable `HEROKU_API_KEY`, and then the entry for the host of `api_url` in the netrc file, which is sent to no " +
					"other host.",
				Validators: []validator.String{notBlank(
					"a token, for example one that `heroku authorizations:create` has printed", "HEROKU_API_KEY or the netrc file")},
				Optional:  true,
				Sensitive: true,
			},
			"api_url": schema.StringAttribute{
				MarkdownDescription: "Base URL of the Platform API. It must begin with `https://`; `http://` is accepted only for the local " +
					"machine. If omitted, the provider uses the environment variable `HEROKU_API_URL`, and then `https://api.heroku.com`.",
				Validators: []validator.String{notBlank("a URL, for example https://api.heroku.com", "HEROKU_API_URL")},
				Optional:   true,
			},
			"data_api_url": schema.StringAttribute{
				MarkdownDescription: "Base URL of the Data API, which serves the settings and credentials of stores. It must begin with " +
					"`https://`; `http://` is accepted only for the local machine. If omitted, the provider uses the environment variable " +
					"`HEROKU_DATA_API_URL`, and then `https://api.data.heroku.com`.",
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
	// An unknown value must not fall back to the environment: the plan could use another account than the apply.
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
		resp.Diagnostics.AddError("Invalid provider configuration", capitalize(err.Error())+".\n\n"+
			"The URLs come from api_url and data_api_url, or else from HEROKU_API_URL and HEROKU_DATA_API_URL. "+
			"Without any, https://api.heroku.com and https://api.data.heroku.com are used. Nothing was sent.")
		return
	}
	conn := sessions.current.Load()
	control.keepRecord(conn.client, p.getenv)
	// A request that does not count towards the rate limit, so that a wrong token is one error instead of one for each resource.
	if _, err := conn.client.RateLimit(ctx); err != nil {
		const summary = "Unable to use the Heroku API"
		const object = "Checking the API token"
		if heroku.HasStatus(err, http.StatusNotFound) { // Heroku never answers 404 here
			resp.Diagnostics.AddError(summary, fmt.Sprintf("%s: %s\n\nHeroku has this path, so the configured URL is not that of the API: "+
				"check api_url (or HEROKU_API_URL).",
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

// unusableCredential distinguishes a missing token from one that cannot be used.
func unusableCredential(err error) diag.Diagnostic {
	at := path.Root("api_key")
	if errors.Is(err, heroku.ErrNoCredential) {
		return diag.NewAttributeErrorDiagnostic(at, "No Heroku API token was found", capitalize(err.Error())+".")
	}
	if errors.Is(err, heroku.ErrUnusableNetrc) {
		return diag.NewAttributeErrorDiagnostic(at, "The netrc file cannot be used", capitalize(err.Error())+
			".\n\nCorrect the file, for example with `heroku login`, which writes the entry, or set HEROKU_API_KEY, "+
			"which comes before it. Nothing was sent to Heroku.")
	}
	return diag.NewAttributeErrorDiagnostic(at, "The Heroku API token cannot be used", capitalize(err.Error())+
		".\n\nCorrect it there: a token is one word, as `heroku authorizations:create` prints it. Nothing was sent to Heroku.")
}

// options merges the configuration, the environment and the edits of WithClient, which take precedence.
func (p *kvsProvider) options(config providerModel, terraformVersion string) (heroku.Options, error) {
	apiURL := cmp.Or(config.APIURL.ValueString(), p.getenv("HEROKU_API_URL"))
	credential, err := heroku.FindCredential(config.APIKey.ValueString(), p.getenv, apiURL)
	options := heroku.Options{
		APIURL:     apiURL,
		DataAPIURL: cmp.Or(config.DataAPIURL.ValueString(), p.getenv("HEROKU_DATA_API_URL")),
		Credential: credential,
		UserAgent: strings.TrimSpace(
			"terraform-provider-kvs/" + p.version + " (Terraform " + terraformVersion + ") " + p.getenv("TF_APPEND_USER_AGENT")),
		Observe: logAttempt,
		Waits:   logWait,
	}
	for _, edit := range p.edits {
		edit(&options)
	}
	if options.Credential.Token == "" {
		return options, err
	}
	return options, nil
}

// capitalize puts the first letter of text, which is not empty, in upper case.
func capitalize(text string) string { return strings.ToUpper(text[:1]) + text[1:] }

// logAttempt logs one HTTP request. An Attempt has neither headers nor bodies, so nothing needs masking.
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

// logWait logs the state of a wait. An action also reports it as progress.
func logWait(ctx context.Context, w heroku.Waiting) {
	if i, ok := ctx.Value(progressKey{}).(*invocation); ok && w.State != "" {
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

// connection is what the configured provider passes to its resources, data sources and actions. Each of them embeds it.
type connection struct {
	client      *heroku.Client // nil while the provider is not configured
	tokenSource string         // where the token came from, as a diagnostic names it
	protected   *protectedStores
	plans       *plannedPlans
	names       *takenNames
	owners      *spaceOwners
	holds       *replacement.AppLocks
	run         *run
	regionList  *regionList
	offered     *offeredPlans
	varNames    *varNames
	orders      *replacement.AppLocks // serialize the orders of stores without an attachment name

	probing      string // mode of the provider attribute probe, such as probeOff
	certificates *certificates
	control      control
}

// configure copies the connection that Configure of the provider has made. A nil providerData, which the framework passes for
// `validate` and for unknown provider values, leaves c unconfigured.
func (c *connection) configure(providerData any, diags *diag.Diagnostics) {
	if providerData == nil {
		return
	}
	s, ok := providerData.(*sessions)
	if !ok {
		diags.AddError("Unexpected provider data", "This is a bug in the provider: please report it with the steps that led here.")
		return
	}
	*c = *s.current.Load()
}

// ready reports whether the provider is configured, and adds an error if it is not.
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
