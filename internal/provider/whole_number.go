// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"math/big"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/attr/xattr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// wholeNumberType is the schema type of every whole number that can be configured. The framework's own type calls a
// fraction, or a number beyond int64, an error in the provider, and does so before a validator can speak.
type wholeNumberType struct {
	basetypes.Int64Type
	phrase  string // names the number in a sentence: "a timeout of %s seconds"
	example int64  // a value that would do
}

// versionNumber is the type of the number beside a write-only value.
var versionNumber = wholeNumberType{phrase: "a version of %s", example: 1}

// wholeNumber is an int64. A number that is none is kept as it was written, only to be refused: as an int64 it is
// unknown, so that nothing works with it meanwhile.
type wholeNumber struct {
	basetypes.Int64Value
	written *big.Float
	of      wholeNumberType // of a number that is none
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

// Equal ignores the words: a value does not carry those of its attribute.
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

// problem says why the number is none, and which would do.
func (v wholeNumber) problem() error {
	named := strings.Replace(v.of.phrase, "%s", plainNumber(v.written), 1)
	if v.written.IsInt() {
		return fmt.Errorf("%s is more than 64 bits can hold: write for example %d", named, v.of.example)
	}
	below, _ := v.written.Int(nil) // towards zero
	above := new(big.Int).Add(below, big.NewInt(1))
	if v.written.Sign() < 0 {
		below, above = new(big.Int).Sub(below, big.NewInt(1)), below
	}
	return fmt.Errorf("%s is not a whole number: write for example %v or %v, or round what is calculated with floor() or ceil()", named, below, above)
}

// plainNumber is a number as a person would write it, as long as that can be told from a whole one.
func plainNumber(number *big.Float) string {
	short := number.Text('g', 10)
	if shown, ok := new(big.Float).SetString(short); ok && !number.IsInt() && shown.IsInt() {
		return number.Text('g', -1)
	}
	return short
}
