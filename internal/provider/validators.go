// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
)

// invalidValue is the diagnostic for a single value that can be judged by itself; err says which values would do.
func invalidValue(at path.Path, err error) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(at, "Invalid attribute value", err.Error()+".")
}

// validatedBy makes a rule of package keyvalue an attribute's validator.
func validatedBy(rule func(string) error) validator.String { return stringRule(rule) }

// int64ValidatedBy is validatedBy for whole numbers.
func int64ValidatedBy(rule func(int64) error) validator.Int64 { return int64Rule(rule) }

// uuidValidator refuses everything but an id, and what may be an id that a mock has invented.
func uuidValidator() validator.String { return idRule{stringRule(validateUUID)} }

type idRule struct{ stringRule }

func (rule idRule) ValidateString(ctx context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if !mayBeInvented(ctx, req.ConfigValue.ValueString()) {
		rule.stringRule.ValidateString(ctx, req, resp)
	}
}

// durationValidator wants a time that can be waited for. The library of the attribute accepts negative ones.
func durationValidator() validator.String { return validatedBy(validateDuration) }

func validateDuration(s string) error {
	if d, err := time.ParseDuration(s); err == nil && d > 0 {
		return nil
	}
	return fmt.Errorf("%q is not a time to wait: write a number above 0 and its unit (s, m or h), for example \"90s\", \"30m\" or \"2h45m\"", s)
}

// notBlank refuses an empty text where only a missing one has a meaning. Its error does not repeat the text, which may be
// a secret. It gives a value that would do, and what counts when there is none.
func notBlank(value, fallback string) validator.String {
	return validatedBy(func(s string) error {
		if strings.TrimSpace(s) != "" {
			return nil
		}
		return fmt.Errorf("an empty text is not the same as no value: write %s, or leave it out (null) for %s to be used", value, fallback)
	})
}

const ruleDescription = "The value must be one that Heroku accepts."

type stringRule func(string) error

func (stringRule) Description(context.Context) string         { return ruleDescription }
func (stringRule) MarkdownDescription(context.Context) string { return ruleDescription }

func (rule stringRule) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	if err := rule(req.ConfigValue.ValueString()); err != nil {
		resp.Diagnostics.Append(invalidValue(req.Path, err))
	}
}

type int64Rule func(int64) error

func (int64Rule) Description(context.Context) string         { return ruleDescription }
func (int64Rule) MarkdownDescription(context.Context) string { return ruleDescription }

func (rule int64Rule) ValidateInt64(_ context.Context, req validator.Int64Request, resp *validator.Int64Response) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	if err := rule(req.ConfigValue.ValueInt64()); err != nil {
		resp.Diagnostics.Append(invalidValue(req.Path, err))
	}
}
