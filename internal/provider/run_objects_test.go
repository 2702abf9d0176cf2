// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
)

func appObject(id, name string, change objectChange) stateObject {
	return stateObject{object: object{appType, id}, name: name, label: name, change: change}
}

func create(r *run, name string) (stateObject, bool, bool) {
	m, found, diags := r.claimName(name, nameClaim{object{resourceType: appType}, "a new app"})
	return m, found, diags.HasError()
}

func TestRun_creationOfWhatIsInTheState(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		before   func(*run)
		replaced bool // the creation is the second half of a replacement
		refused  bool
	}{
		"a name that nobody has":              {func(*run) {}, false, false},
		"one that was read, and is tainted":   {func(r *run) { r.noteRefreshed(appObject("a", "web", unplanned)) }, true, false},
		"one that was planned, with -replace": {func(r *run) { r.notePlan(appObject("a", "web", stays)) }, true, false},
		"one that is renamed": {func(r *run) {
			r.noteRefreshed(appObject("a", "web",
				unplanned))
			r.notePlan(appObject("a", "site", stays))
		}, false, false},
		"one whose new name is not known": {func(r *run) {
			r.noteRefreshed(appObject("a", "web",
				unplanned))
			r.notePlan(appObject("a", "", stays))
		}, false, false},
		"one that is replaced":  {func(r *run) { r.notePlan(appObject("a", "web", isReplaced)) }, true, false},
		"one that is destroyed": {func(r *run) { r.notePlan(appObject("a", "web", isDestroyed)) }, false, true},
		"an object of another type": {func(r *run) {
			r.noteRefreshed(stateObject{object: object{spaceType, "a"},
				name: "web"})
		}, false, false},
		"one that is read after it was planned": {func(r *run) {
			r.notePlan(appObject("a", "web",
				isDestroyed))
			r.noteRefreshed(appObject("a", "web", unplanned))
		}, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRun()
			test.before(r)
			m, replaced, refused := create(r, "web")
			if replaced != test.replaced || refused != test.refused {
				t.Errorf("replaced %t, refused %t", replaced, refused)
			}
			if replaced && (m.id != "a" || !r.willBeDestroyed(m.object)) {
				t.Errorf("%+v stays", m)
			}
		})
	}
}

func TestRun_destroyedAfterItsNameWasTaken(t *testing.T) {
	t.Parallel()
	r := newRun()
	create(r, "web")
	if diags := r.notePlan(appObject("a", "web", isDestroyed)); !diags.HasError() {
		t.Error("the creation came first, and nobody noticed")
	}
	r = newRun()
	r.noteRefreshed(appObject("b", "b", unplanned))
	if _, _, diags := r.claimName("b", nameClaim{object{appType, "a"}, "a"}); diags.HasError() {
		t.Error("a rename to a name that stays taken is Heroku's to refuse")
	}
	if diags := r.notePlan(appObject("b", "b", isDestroyed)); !diags.HasError() {
		t.Error("an app takes the name of the one that is destroyed, and nobody noticed")
	}
	r = newRun()
	create(r, "web")
	if diags := r.notePlan(appObject("a", "web", stays)); diags.HasError() {
		t.Error("what stays is not lost")
	}
}

func TestRun_oneNameTwice(t *testing.T) {
	t.Parallel()
	creation, one, other := object{resourceType: appType}, object{appType, "a"}, object{appType, "b"}
	for name, test := range map[string]struct {
		first, second object
		refused       bool
	}{
		"two creations":           {creation, creation, true},
		"a creation and a rename": {creation, one, true},
		"a rename and a creation": {one, creation, true},
		"two renames":             {one, other, true},
		"a rename planned twice":  {one, one, false},
		"objects of other types":  {creation, object{resourceType: spaceType}, false},
	} {
		r := newRun()
		if _, _, diags := r.claimName("web", nameClaim{test.first, "one"}); diags.HasError() {
			t.Errorf("%s: the first is refused", name)
		}
		if _, _, diags := r.claimName("web", nameClaim{test.second, "other"}); diags.HasError() != test.refused {
			t.Errorf("%s: refused %t", name, diags.HasError())
		}
	}
}

func TestRun_appStays(t *testing.T) {
	t.Parallel()
	r := newRun()
	r.noteRefreshed(appObject("read", "a", unplanned))
	r.notePlan(appObject("stays", "b", stays))
	r.notePlan(appObject("replaced", "c", isReplaced))
	r.notePlan(appObject("destroyed", "d", isDestroyed))
	r.notePlan(appObject("on demand", "e", stays))
	create(r, "e")
	for _, id := range []string{"nobody's", "read", "stays", "replaced", "destroyed", "on demand"} {
		if got := r.appStays(id); got != (id == "stays") {
			t.Errorf("%s: %t", id, got)
		}
	}
	var none *run
	if none.appStays("stays") || none.willBeDestroyed(object{appType, "replaced"}) || none.isRefreshed(object{appType, "read"}) {
		t.Error("without a run nothing is known")
	}
	if _, found, diags := none.claimName("a", nameClaim{}); found || diags.HasError() || none.notePlan(appObject("a", "a", stays)).HasError() {
		t.Error("without a run nothing is said")
	}
}

// A Delete that comes after a creation was refused for its object sends nothing: the client has nowhere to send to.
func TestRun_deleteLeavesWhatACreationHasMet(t *testing.T) {
	t.Parallel()
	const nowhere = "http://127.0.0.1:1"
	client, err := heroku.New(heroku.Options{APIURL: nowhere, DataAPIURL: nowhere, Credential: heroku.Credential{Token: "token"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []interface {
		resource.Resource
		resource.ResourceWithConfigure
	}{&appResource{}, &privateSpaceResource{}} {
		conn := connection{client: client, run: newRun()}
		sessions := &sessions{connect: func() (connection, error) { return conn, nil }}
		if err := sessions.renew(); err != nil {
			t.Fatal(err)
		}
		r.Configure(t.Context(), resource.ConfigureRequest{ProviderData: sessions}, &resource.ConfigureResponse{})
		var declared resource.SchemaResponse
		r.Schema(t.Context(), resource.SchemaRequest{}, &declared)
		values := map[string]tftypes.Value{}
		for name, attribute := range declared.Schema.Attributes {
			values[name] = tftypes.NewValue(attribute.GetType().TerraformType(t.Context()), nil)
		}
		values["id"] = tftypes.NewValue(tftypes.String, "e3b1")
		state := tfsdk.State{Schema: declared.Schema, Raw: tftypes.NewValue(declared.Schema.Type().TerraformType(t.Context()), values)}
		for _, resourceType := range []string{appType, spaceType} {
			conn.run.noteRefused(object{resourceType, "e3b1"})
		}
		var resp resource.DeleteResponse
		r.Delete(t.Context(), resource.DeleteRequest{State: state}, &resp)
		if len(resp.Diagnostics) != 1 || resp.Diagnostics[0].Summary() != "Another instance has met this object" {
			t.Errorf("%T: %v", r, resp.Diagnostics)
		}
	}
}

func TestKnownChanges(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		from, to attr.Value
		changed  bool
	}{
		"another region":              {newRegionName("eu"), newRegionName("us"), true},
		"the same region in capitals": {newRegionName("eu"), newRegionName("EU"), false},
		"a region that is not known":  {newRegionName("eu"), regionName{StringValue: types.StringUnknown()}, false},
		"a space that is left out":    {types.StringValue("a"), types.StringNull(), false},
		"a space for the first time":  {types.StringNull(), types.StringValue("a"), true},
		"another flag":                {types.BoolValue(false), types.BoolValue(true), true},
		"the same flag":               {types.BoolValue(true), types.BoolValue(true), false},
		"a flag that is not known":    {types.BoolValue(true), types.BoolUnknown(), false},
	} {
		if got := knownChanges(fixedChange{"x", test.from, test.to}); (len(got) == 1) != test.changed {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestPlanReplacement_whileItIsApplied(t *testing.T) {
	t.Parallel()
	changes := []fixedChange{{"region", newRegionName("eu"), newRegionName("us")}}
	for name, test := range map[string]struct {
		applying, read, replaces bool
		says                     string
	}{
		"a plan after a refresh":      {false, true, true, ""},
		"a plan that may defer":       {true, true, true, ""},
		"a plan without a refresh":    {false, false, true, "The object is replaced as it was last read"},
		"an apply of Terraform's own": {true, false, false, "The change needs another object"},
	} {
		r, o := newRun(), object{appType, "a"}
		if test.read {
			r.noteRefreshed(appObject("a", "web", unplanned))
		}
		req := resource.ModifyPlanRequest{ClientCapabilities: resource.ModifyPlanClientCapabilities{DeferralAllowed: test.applying}}
		var resp resource.ModifyPlanResponse
		said := r.planReplacement(req, &resp, o, "web", changes)
		if (len(resp.RequiresReplace) == 1) != test.replaces || said.HasError() == test.replaces {
			t.Errorf("%s: replaces %v, says %v", name, resp.RequiresReplace, said)
		}
		if (test.says == "") != (len(said) == 0) || len(said) == 1 && said[0].Summary() != test.says {
			t.Errorf("%s: says %v, want %q", name, said, test.says)
		}
	}
}

// One object is planned by one instance, unless all of them give it up.
func TestRun_refuseDuplicate(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		first, second objectChange
		refused       bool
	}{
		"both stay":                            {stays, stays, true},
		"one stays, the other is destroyed":    {stays, isDestroyed, true},
		"one is destroyed, the other stays":    {isDestroyed, stays, true},
		"one stays, the other is replaced":     {stays, isReplaced, true},
		"one is replaced, the other destroyed": {isReplaced, isDestroyed, true},
		"both are destroyed":                   {isDestroyed, isDestroyed, false},
		"destroyed, and taken over":            {isDestroyed, isTakenOver, false},
		"taken over, and destroyed":            {isTakenOver, isDestroyed, false},
		"taken over from one that stays":       {stays, isTakenOver, true},
		"taken over, and it stays":             {isTakenOver, stays, true},
	} {
		r, o := newRun(), object{appType, "a"}
		if r.refuseDuplicate(o, "web", test.first).HasError() || r.refuseDuplicate(object{appType, "b"}, "www", test.second).HasError() {
			t.Errorf("%s: one alone is refused", name)
		}
		if got := r.refuseDuplicate(o, "web", test.second).HasError(); got != test.refused {
			t.Errorf("%s: refused %t", name, got)
		}
	}
	if r := newRun(); r.refuseDuplicate(object{appType, "a"}, "web", isTakenOver).HasError() ||
		r.refuseDuplicate(object{appType, "a"}, "web", isDestroyed).HasError() ||
		!r.refuseDuplicate(object{appType, "a"}, "web", stays).HasError() {
		t.Error("what was taken over is forgotten")
	}
	var none *run
	if none.refuseDuplicate(object{appType, "a"}, "web", stays).HasError() {
		t.Error("without a run nothing is said")
	}
}
