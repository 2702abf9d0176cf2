// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/changecontrol"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
)

// The change_control attribute of the provider block sets the change reference, the freezes and the record of changes.
// change_control_governed.go decides what is governed, and when it is checked.

const referenceVariable = "KVS_CHANGE_REFERENCE"

type changeControlModel struct {
	Reference        types.String   `tfsdk:"reference"`
	ReferencePattern types.String   `tfsdk:"reference_pattern"`
	AppliesTo        types.String   `tfsdk:"applies_to"`
	Freezes          []*freezeModel `tfsdk:"freezes"` // an element may be nil: a freeze without times
	RecordFile       types.String   `tfsdk:"record_file"`
	Emergency        types.Bool     `tfsdk:"emergency"`
}

type freezeModel struct {
	From   types.String `tfsdk:"from"`
	To     types.String `tfsdk:"to"`
	Reason types.String `tfsdk:"reason"`
}

func changeControlAttribute() schema.SingleNestedAttribute {
	notEmpty := func(example string) []validator.String {
		return []validator.String{validatedBy(func(s string) error {
			if strings.TrimSpace(s) == "" {
				return fmt.Errorf("an empty text says nothing: write for example %s", example)
			}
			return nil
		})}
	}
	freezeTime := func(description string) schema.StringAttribute {
		return schema.StringAttribute{Optional: true, Validators: notEmpty("2026-12-18T00:00:00Z"), MarkdownDescription: description}
	}
	return schema.SingleNestedAttribute{
		Optional: true,
		MarkdownDescription: "Rules for changes. A change to a governed object without a valid reference, or during a freeze, is refused in " +
			"the plan and again before the first request of the apply. Reading, refreshing, importing and a plan without changes need no " +
			"reference. See the guide about change control.",
		Attributes: map[string]schema.Attribute{
			"reference": schema.StringAttribute{
				Optional: true,
				Validators: []validator.String{
					notBlank("the reference of an approved change, for example CHG0012345", referenceVariable),
				},
				MarkdownDescription: "The reference of the approved change, such as the number of a ticket. If omitted, the environment variable `" +
					referenceVariable + "` is used. A reference that is known only after apply is checked during the apply.",
			},
			"reference_pattern": schema.StringAttribute{
				Optional:   true,
				Validators: notEmpty("^CHG[0-9]{7}$"),
				MarkdownDescription: "A regular expression (RE2) that must match the whole reference, such as `^CHG[0-9]{7}$`. If omitted, any " +
					"reference is valid.",
			},
			"applies_to": schema.StringAttribute{
				Optional: true,
				Validators: []validator.String{stringvalidator.OneOf(
					string(changecontrol.ScopeShield), string(changecontrol.ScopePrivate), string(changecontrol.ScopeAll))},
				MarkdownDescription: "The objects that are governed. `shield`, the default, covers Shield Spaces with their trusted ranges, the " +
					"apps in them, stores on shield plans or of these apps, with their attachments and maintenance windows, and actions on these " +
					"objects. `private` covers the same for all Private Spaces, and `all` covers everything.",
			},
			"freezes": schema.ListNestedAttribute{
				Optional:            true,
				MarkdownDescription: "Periods in which changes are refused, by Heroku's clock. They may follow one another but must not overlap.",
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"from": freezeTime("When the freeze begins, in RFC 3339, such as `2026-12-18T00:00:00Z`. Required in every freeze."),
					"to":   freezeTime("When the freeze ends, in RFC 3339. From this time on, changes are allowed again. Required in every freeze."),
					"reason": schema.StringAttribute{
						Optional: true, Validators: notEmpty("year-end close"),
						MarkdownDescription: "Reason for the freeze, which is part of the error message when a change is refused.",
					},
				}},
			},
			"record_file": schema.StringAttribute{
				Optional:   true,
				Validators: notEmpty("kvs-changes.jsonl"),
				MarkdownDescription: "Path of a file to which the provider appends each write to a governed object: one line before the request " +
					"is sent, and one line after its answer. A write that cannot be recorded is not sent. The function `verify_change_record` checks " +
					"the file. If omitted, no record is kept.",
			},
			"emergency": schema.BoolAttribute{
				Optional: true,
				MarkdownDescription: "Whether changes are allowed during a freeze. They still need a valid reference, and the record marks them " +
					"as an emergency. Defaults to `false`.",
			},
		},
	}
}

// control is the change control of one configured provider. The zero value governs nothing.
type control struct {
	*changecontrol.Control
	unknown    bool    // the reference is known only after apply
	planned    *string // the reference in a saved plan; nil for one of the environment, since the applying job may have another
	recordFile string
}

// changeControl reads the configuration. known is false if a part of it other than the reference is not known yet.
func (p *kvsProvider) changeControl(ctx context.Context, configured types.Object) (c control, known bool, diags diag.Diagnostics) {
	if configured.IsNull() {
		return control{}, true, nil
	}
	if !knownBesideReference(ctx, configured) {
		return control{}, false, nil
	}
	var m changeControlModel
	if diags.Append(configured.As(ctx, &m, basetypes.ObjectAsOptions{})...); diags.HasError() {
		return control{}, true, diags
	}
	config := changecontrol.Config{
		Reference: m.Reference.ValueString(), ReferenceUnknown: m.Reference.IsUnknown(),
		ReferencePattern: m.ReferencePattern.ValueString(),
		AppliesTo:        m.AppliesTo.ValueString(), Emergency: m.Emergency.ValueBool(),
	}
	if m.Reference.IsNull() {
		config.Reference = p.getenv(referenceVariable)
	}
	for _, f := range m.Freezes {
		f = cmp.Or(f, &freezeModel{})
		config.Freezes = append(config.Freezes, changecontrol.FreezeConfig{
			From: f.From.ValueString(), To: f.To.ValueString(), Reason: f.Reason.ValueString(),
		})
	}
	at := path.Root("change_control")
	judge, problems := changecontrol.New(config)
	for _, problem := range problems {
		where := at.AtName(problem.Attribute)
		if problem.Freeze >= 0 {
			where = at.AtName("freezes").AtListIndex(problem.Freeze).AtName(problem.Attribute)
		}
		diags.AddAttributeError(where, "Unusable change control", capitalize(problem.Text)+".\n\nNothing was sent to Heroku.")
	}
	c = control{Control: judge, planned: m.Reference.ValueStringPointer(), recordFile: m.RecordFile.ValueString()}
	if c.unknown = m.Reference.IsUnknown(); c.unknown {
		c.planned = nil
	}
	if c.recordFile != "" {
		if err := changecontrol.CheckRecord(c.recordFile); err != nil {
			diags.AddAttributeError(at.AtName("record_file"), "The change record cannot be written",
				capitalize(err.Error())+".\n\nNothing was sent to Heroku: a change that cannot be recorded is not made.")
		}
	}
	return c, true, diags
}

// reference is the planned value of impact.reference.
func (c control) reference() types.String {
	if c.unknown {
		return types.StringUnknown()
	}
	return types.StringPointerValue(c.planned)
}

func knownBesideReference(ctx context.Context, configured types.Object) bool {
	var attributes map[string]tftypes.Value
	value, err := configured.ToTerraformValue(ctx)
	if err != nil || !value.IsKnown() || value.As(&attributes) != nil {
		return false
	}
	for name, attribute := range attributes {
		if name != "reference" && !attribute.IsFullyKnown() {
			return false
		}
	}
	return true
}

// announce passes a write of the client to change control before it is sent. The returned function takes its result.
func (c control) announce(ctx context.Context, w heroku.Write) (func(heroku.WriteResult), error) {
	report, err := c.Announce(ctx, changecontrol.Write{Method: w.Method, Path: w.Path, Try: w.Try})
	if err != nil {
		return nil, err
	}
	return func(r heroku.WriteResult) {
		answer := changecontrol.Answer{Event: changecontrol.EventUnsent, Status: r.Status, RequestID: r.RequestID}
		switch {
		case r.Status != 0:
			answer.Event = changecontrol.EventAnswered
		case r.Lost:
			answer.Event = changecontrol.EventLost
		}
		report(answer)
	}, nil
}

// keepRecord starts the record of changes, if it is configured. The account is read before the first write, because a plan does
// not need it.
func (c control) keepRecord(client *heroku.Client, getenv func(string) string) {
	if c.Control == nil || c.recordFile == "" {
		return
	}
	var (
		once  sync.Once
		email string
	)
	c.KeepRecord(c.recordFile, changecontrol.Author{
		Run: changecontrol.RunFrom(getenv),
		Now: client.HostTime,
		Actor: func(ctx context.Context) string {
			once.Do(func() {
				account, _ := client.Account(ctx) // fails for a token with a narrow scope
				email = account.Email
			})
			return email
		},
	})
}
