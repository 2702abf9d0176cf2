// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/attr/xattr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// notation is a text format in which different spellings can mean the same. normalize returns the canonical spelling of s, or an
// error that says what is wrong with it.
type notation interface {
	normalize(s string) (string, error)
}

// normalizedStringType is the schema type of a normalizedString.
type normalizedStringType[N notation] struct{ basetypes.StringType }

// normalizedString keeps the user's spelling and compares normalized values.
type normalizedString[N notation] struct{ basetypes.StringValue }

var (
	_ basetypes.StringTypable                    = normalizedStringType[planNotation]{}
	_ basetypes.StringValuableWithSemanticEquals = normalizedString[planNotation]{}
	_ xattr.ValidateableAttribute                = normalizedString[planNotation]{}
)

func newNormalizedString[N notation](s string) normalizedString[N] {
	return normalizedString[N]{basetypes.NewStringValue(s)}
}

func (t normalizedStringType[N]) String() string { return fmt.Sprintf("%T", t) }

func (t normalizedStringType[N]) ValueType(context.Context) attr.Value { return normalizedString[N]{} }

func (t normalizedStringType[N]) Equal(other attr.Type) bool {
	_, same := other.(normalizedStringType[N])
	return same
}

func (t normalizedStringType[N]) ValueFromString(_ context.Context, v basetypes.StringValue) (basetypes.StringValuable, diag.Diagnostics) {
	return normalizedString[N]{v}, nil
}

func (t normalizedStringType[N]) ValueFromTerraform(ctx context.Context, v tftypes.Value) (attr.Value, error) {
	value, err := t.StringType.ValueFromTerraform(ctx, v)
	if err != nil {
		return nil, err
	}
	text, ok := value.(basetypes.StringValue)
	if !ok {
		return nil, fmt.Errorf("unexpected value type %T", value)
	}
	return normalizedString[N]{text}, nil
}

func (v normalizedString[N]) Type(context.Context) attr.Type { return normalizedStringType[N]{} }

func (v normalizedString[N]) Equal(other attr.Value) bool {
	o, same := other.(normalizedString[N])
	return same && v.StringValue.Equal(o.StringValue)
}

// StringSemanticEquals reports whether both values mean the same. Values that cannot be parsed are equal only if identical.
func (v normalizedString[N]) StringSemanticEquals(_ context.Context, other basetypes.StringValuable) (bool, diag.Diagnostics) {
	o, same := other.(normalizedString[N])
	return same && v.equivalent(o), nil
}

func (v normalizedString[N]) equivalent(o normalizedString[N]) bool {
	var n N
	a, errA := n.normalize(v.ValueString())
	b, errB := n.normalize(o.ValueString())
	if errA != nil || errB != nil {
		return v.ValueString() == o.ValueString()
	}
	return a == b
}

// normalized is the canonical spelling, which is sent to Heroku. It is empty for null and unknown values.
func (v normalizedString[N]) normalized() string {
	var n N
	text, err := n.normalize(v.ValueString())
	if err != nil {
		return v.ValueString()
	}
	return text
}

// orEquivalent returns known if it means the same as v, so that the user's spelling is kept, and v otherwise.
func (v normalizedString[N]) orEquivalent(known normalizedString[N]) normalizedString[N] {
	if !known.IsNull() && !known.IsUnknown() && v.equivalent(known) {
		return known
	}
	return v
}

func (v normalizedString[N]) ValidateAttribute(_ context.Context, req xattr.ValidateAttributeRequest,
	resp *xattr.ValidateAttributeResponse) {
	if v.IsNull() || v.IsUnknown() {
		return
	}
	var n N
	if _, err := n.normalize(v.ValueString()); err != nil {
		resp.Diagnostics.Append(invalidValue(req.Path, err))
	}
}

// keepEquivalent plans the prior value if the configuration only spells it differently. The framework uses semantic equality
// after apply, but not between the configuration and the state.
func keepEquivalent() planmodifier.String { return equivalenceKeeper{} }

type equivalenceKeeper struct{}

func (equivalenceKeeper) Description(context.Context) string {
	return "Keeps the value in the state when the configuration means the same."
}

func (k equivalenceKeeper) MarkdownDescription(ctx context.Context) string { return k.Description(ctx) }

func (equivalenceKeeper) PlanModifyString(ctx context.Context, req planmodifier.StringRequest, resp *planmodifier.StringResponse) {
	if req.StateValue.IsNull() || req.PlanValue.IsNull() || req.PlanValue.IsUnknown() {
		return
	}
	attrType, diags := req.Plan.Schema.TypeAtPath(ctx, req.Path)
	resp.Diagnostics.Append(diags...)
	stringType, ok := attrType.(basetypes.StringTypable)
	if diags.HasError() || !ok {
		return
	}
	planned, diags := stringType.ValueFromString(ctx, req.PlanValue)
	resp.Diagnostics.Append(diags...)
	prior, diags := stringType.ValueFromString(ctx, req.StateValue)
	resp.Diagnostics.Append(diags...)
	comparable, ok := planned.(basetypes.StringValuableWithSemanticEquals)
	if !ok || resp.Diagnostics.HasError() {
		return
	}
	equal, diags := comparable.StringSemanticEquals(ctx, prior)
	resp.Diagnostics.Append(diags...)
	if equal {
		resp.PlanValue = req.StateValue
	}
}

// wholeNumberType is the schema type of every whole number that can be configured. The framework's own type reports a fraction,
// or a number beyond int64, as an error in the provider, before any validator runs.
type wholeNumberType struct {
	basetypes.Int64Type
	phrase  string // a noun phrase for error messages: "a timeout of %s seconds"
	example int64  // a valid value
}

// versionNumber is the type of the version argument of a write-only argument.
var versionNumber = wholeNumberType{phrase: "a version of %s", example: 1}

// wholeNumber is an int64. Any other number is kept as written until validation refuses it, and is unknown as an int64.
type wholeNumber struct {
	basetypes.Int64Value
	written *big.Float
	of      wholeNumberType // the type of a number that is not an int64
}

var (
	_ basetypes.Int64Typable      = wholeNumberType{}
	_ basetypes.Int64Valuable     = wholeNumber{}
	_ xattr.ValidateableAttribute = wholeNumber{}
)

func newWholeNumber(n int64) wholeNumber {
	return wholeNumber{Int64Value: basetypes.NewInt64Value(n)}
}

func (wholeNumberType) String() string { return "wholeNumberType" }

func (wholeNumberType) ValueType(context.Context) attr.Value { return wholeNumber{} }

// Equal ignores phrase and example, because a value does not carry those of its attribute.
func (wholeNumberType) Equal(other attr.Type) bool {
	_, same := other.(wholeNumberType)
	return same
}

func (wholeNumberType) ValueFromInt64(_ context.Context, v basetypes.Int64Value) (basetypes.Int64Valuable, diag.Diagnostics) {
	return wholeNumber{Int64Value: v}, nil
}

func (t wholeNumberType) ValueFromTerraform(_ context.Context, v tftypes.Value) (attr.Value, error) {
	switch {
	case !v.IsKnown():
		return wholeNumber{Int64Value: basetypes.NewInt64Unknown()}, nil
	case v.IsNull():
		return wholeNumber{Int64Value: basetypes.NewInt64Null()}, nil
	}
	var number *big.Float
	if err := v.As(&number); err != nil {
		return nil, err
	}
	if n, accuracy := number.Int64(); accuracy == big.Exact {
		return newWholeNumber(n), nil
	}
	return wholeNumber{Int64Value: basetypes.NewInt64Unknown(), written: number, of: t}, nil
}

func (v wholeNumber) Type(context.Context) attr.Type { return v.of }

func (v wholeNumber) Equal(other attr.Value) bool {
	o, same := other.(wholeNumber)
	if !same || (v.written == nil) != (o.written == nil) {
		return false
	}
	return v.Int64Value.Equal(o.Int64Value) && (v.written == nil || v.written.Cmp(o.written) == 0)
}

func (v wholeNumber) ToTerraformValue(ctx context.Context) (tftypes.Value, error) {
	if v.written != nil {
		return tftypes.NewValue(tftypes.Number, v.written), nil
	}
	return v.Int64Value.ToTerraformValue(ctx)
}

func (v wholeNumber) ValidateAttribute(_ context.Context, req xattr.ValidateAttributeRequest, resp *xattr.ValidateAttributeResponse) {
	if v.written != nil {
		resp.Diagnostics.Append(invalidValue(req.Path, v.problem()))
	}
}

// problem is the error for a number that is not an int64. It suggests valid values.
func (v wholeNumber) problem() error {
	named := strings.Replace(v.of.phrase, "%s", plainNumber(v.written), 1)
	if v.written.IsInt() {
		return fmt.Errorf("%s is more than 64 bits can hold: write for example %d", named, v.of.example)
	}
	below, _ := v.written.Int(nil) // truncates towards zero
	above := new(big.Int).Add(below, big.NewInt(1))
	if v.written.Sign() < 0 {
		below, above = new(big.Int).Sub(below, big.NewInt(1)), below
	}
	return fmt.Errorf("%s is not a whole number: write for example %v or %v, or round what is calculated with "+
		"floor() or ceil()", named, below, above)
}

// plainNumber formats a number with ten digits, or with all its digits if ten would make a fraction look like a whole number.
func plainNumber(number *big.Float) string {
	short := number.Text('g', 10)
	if shown, ok := new(big.Float).SetString(short); ok && !number.IsInt() && shown.IsInt() {
		return number.Text('g', -1)
	}
	return short
}

// keyspaceEvents is a set of flags: their order makes no difference, and A stands for g$lshztxe.
type (
	keyspaceEvents     = normalizedString[keyspaceEventsNotation]
	keyspaceEventsType = normalizedStringType[keyspaceEventsNotation]
)

func newKeyspaceEvents(s string) keyspaceEvents {
	return newNormalizedString[keyspaceEventsNotation](s)
}

type keyspaceEventsNotation struct{}

func (keyspaceEventsNotation) normalize(s string) (string, error) {
	events, err := keyvalue.ParseKeyspaceEvents(s)
	if err != nil {
		return "", err
	}
	return events.String(), nil
}

// dayOfWeek is an English name: "Sunday", "sundays" and "sun" are the same one.
type (
	dayOfWeek     = normalizedString[dayNotation]
	dayOfWeekType = normalizedStringType[dayNotation]
)

type dayNotation struct{}

func (dayNotation) normalize(s string) (string, error) {
	day, err := keyvalue.ParseDay(s)
	return day.String(), err
}

// timeOfDay is a full or half hour: "13:30" and "1:30PM" are the same one.
type (
	timeOfDay     = normalizedString[timeNotation]
	timeOfDayType = normalizedStringType[timeNotation]
)

type timeNotation struct{}

func (timeNotation) normalize(s string) (string, error) {
	minute, err := keyvalue.ParseTimeOfDay(s)
	return keyvalue.Window{Minute: minute}.TimeOfDay(), err
}

// planName is a plan: "premium-0" and "heroku-redis:premium-0" are the same one, and so are "mini" and "hobby-dev".
type (
	planName     = normalizedString[planNotation]
	planNameType = normalizedStringType[planNotation]
)

func newPlanName(s string) planName { return newNormalizedString[planNotation](s) }

type planNotation struct{}

func (planNotation) normalize(s string) (string, error) {
	name, err := keyvalue.ParsePlanName(s)
	return string(name), err
}

// regionName is a region: "EU" and "eu" are the same one.
type (
	regionName     = normalizedString[regionNotation]
	regionNameType = normalizedStringType[regionNotation]
)

func newRegionName(s string) regionName { return newNormalizedString[regionNotation](s) }

// generationName is a generation of Heroku's platform: "Fir" and "fir" are the same one.
type (
	generationName     = normalizedString[generationNotation]
	generationNameType = normalizedStringType[generationNotation]
)

type generationNotation struct{}

func (generationNotation) normalize(s string) (string, error) {
	name := strings.ToLower(s)
	if name == "" || strings.TrimSpace(name) != name {
		return "", fmt.Errorf("%q is not a generation of Heroku's platform: write for example \"cedar\", or leave it out to let Heroku choose", s)
	}
	return name, nil
}

type regionNotation struct{}

func (regionNotation) normalize(s string) (string, error) {
	switch name := strings.ToLower(strings.TrimSpace(s)); {
	case name == "":
		return "", errors.New("an empty text is not a region: give its name, or leave it out to let Heroku choose")
	case len(name) != len(s):
		return "", fmt.Errorf("%q is not a region: write %q", s, name)
	default:
		return name, nil
	}
}

// emailAddress is an e-mail address, which Heroku compares without regard to case.
type (
	emailAddress     = normalizedString[emailNotation]
	emailAddressType = normalizedStringType[emailNotation]
)

func newEmailAddress(s string) emailAddress { return newNormalizedString[emailNotation](s) }

type emailNotation struct{}

func (emailNotation) normalize(s string) (string, error) {
	user, host, both := strings.Cut(s, "@")
	if !both || user == "" || host == "" || strings.ContainsAny(host, "@:/") || strings.ContainsAny(s, " \t\r\n") {
		return "", fmt.Errorf("%q is not an e-mail address: write for example dev@acme.example, without a name and without spaces", s)
	}
	return strings.ToLower(s), nil
}

// dynoSize is a dyno size: "standard-1x" and "Standard-1X" are the same one, and so are "Shield-M" and "Private-M".
type (
	dynoSize     = normalizedString[dynoSizeNotation]
	dynoSizeType = normalizedStringType[dynoSizeNotation]
)

func newDynoSize(s string) dynoSize { return newNormalizedString[dynoSizeNotation](s) }

type dynoSizeNotation struct{}

func (dynoSizeNotation) normalize(s string) (string, error) { return keyvalue.DynoSize(s) }

// invalidValue is the diagnostic for an invalid value of one attribute. err suggests valid values.
func invalidValue(at path.Path, err error) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(at, "Invalid attribute value", err.Error()+".")
}

// validatedBy turns a rule of package keyvalue into a validator.
func validatedBy(rule func(string) error) validator.String { return stringRule(rule) }

// int64ValidatedBy is validatedBy for whole numbers.
func int64ValidatedBy(rule func(int64) error) validator.Int64 { return int64Rule(rule) }

// uuidValidator accepts UUIDs, and values that may be ids that a mock has generated.
func uuidValidator() validator.String { return idRule{stringRule(validateUUID)} }

type idRule struct{ stringRule }

func (rule idRule) ValidateString(ctx context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if !mayBeMocked(ctx, req.ConfigValue.ValueString()) {
		rule.stringRule.ValidateString(ctx, req, resp)
	}
}

// durationValidator accepts positive durations. The library of the timeouts attribute accepts negative ones.
func durationValidator() validator.String { return validatedBy(validateDuration) }

func validateDuration(s string) error {
	if d, err := time.ParseDuration(s); err == nil && d > 0 {
		return nil
	}
	return fmt.Errorf("%q is not a time to wait: write a number above 0 and its unit (s, m or h), for example "+
		"\"90s\", \"30m\" or \"2h45m\"", s)
}

// notBlank refuses an empty text where leaving the attribute out has a meaning. value describes a valid value, and fallback what
// is used instead of a missing one. The error does not repeat the text, which may be a secret.
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
