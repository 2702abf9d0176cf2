// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
)

// An answer that does not tell the generation says nothing of it, and where it was never told nothing differs from it.
func TestPrivateSpace_generationUntold(t *testing.T) {
	t.Parallel()
	none, unknown := generationName{StringValue: types.StringNull()}, generationName{StringValue: types.StringUnknown()}
	cedar, fir := newNormalizedString[generationNotation]("cedar"), newNormalizedString[generationNotation]("FIR")
	for name, c := range map[string]struct {
		known generationName
		told  string
		want  generationName
	}{
		"never told": {unknown, "", none}, "not told again": {fir, "", fir}, "told": {none, "cedar", cedar}, "another one": {fir, "cedar", cedar},
	} {
		m := privateSpaceModel{Generation: c.known}
		m.read(heroku.Space{ID: "2d6f8f4b-0a1c-4f6e-93c4-7b1d2e5f6a70", Generation: c.told}, nil)
		if !m.Generation.Equal(c.want) {
			t.Errorf("%s: it is %s, want %s", name, m.Generation, c.want)
		}
	}
	same := newNormalizedString[generationNotation]("fir")
	for name, c := range map[string]struct {
		from, to generationName
		changes  int
	}{
		"never told":  {none, fir, 0},
		"not known":   {fir, unknown, 0},
		"left out":    {fir, none, 0},
		"written so":  {same, fir, 0},
		"another one": {cedar, fir, 1},
	} {
		if n := len(privateSpaceModel{Generation: c.from}.fixedChanges(privateSpaceModel{Generation: c.to})); n != c.changes {
			t.Errorf("%s: %d changes, want %d", name, n, c.changes)
		}
	}
}
