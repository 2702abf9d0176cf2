// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// A store that is destroyed takes its keys with it, and Heroku keeps none of them (Dev Center: Heroku Key-Value Store).
// Here is what is refused because of that, and what is said.

// noteState remembers a store that is in the state, for what is planned of other instances.
func (r *instanceResource) noteState(state instanceModel) {
	r.protected.note(state)
	r.run.noteInState(storeObject(state.addOnID()))
	if state.DeletionProtection.ValueBool() {
		r.run.noteProtected(state.Name.ValueString(), state.label())
		r.run.noteProtected(state.ID.ValueString(), state.label())
	}
	if state.AttachmentName.ValueString() == keyvalue.PrimaryAttachment {
		r.run.noteInState(primaryOf(heroku.AppID(state.AppID.ValueString())))
	}
}

func (m instanceModel) refuseDestroy() diag.Diagnostics {
	var diags diag.Diagnostics
	if m.DeletionProtection.ValueBool() {
		diags.AddAttributeError(path.Root("deletion_protection"), "Key-Value Store is protected from deletion",
			m.label()+" holds data that cannot be recovered after it is destroyed.\n\n"+
				"To destroy it on purpose, first apply deletion_protection = false, then destroy. "+
				"If it is to be replaced because it is tainted, run `terraform untaint` on its address instead: the "+
				"store itself is intact. "+
				"To stop managing it without destroying it, use a removed block with destroy = false.")
	}
	return diags
}

// warnOfEviction speaks of a policy under which keys begin to disappear.
func (m instanceModel) warnOfEviction(plan instanceModel) diag.Diagnostics {
	from, to := m.MaxmemoryPolicy.ValueString(), plan.MaxmemoryPolicy.ValueString()
	evicted := keyvalue.BeginsToEvict(keyvalue.EvictionPolicy(from), keyvalue.EvictionPolicy(to))
	if evicted == "" || from == "" {
		return nil
	}
	return diag.Diagnostics{diag.NewAttributeWarningDiagnostic(path.Root("maxmemory_policy"),
		"The store will drop keys when its memory is full", fmt.Sprintf(
			"%s: maxmemory_policy changes from %s to %s. From then on, when the memory limit is reached, %s may be dropped to make room, "+
				"at once if it is reached now. Dropped keys are gone. The data source kvs_usage says how full the store is.",
			m.label(), from, to, evicted))}
}

// protectedName refuses the second half of a replacement before the first one destroys anything: ModifyPlan is not told
// that the two belong together.
func protectedName(label string) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(path.Root("name"), "A protected Key-Value Store has this name", fmt.Sprintf(
		"A store is to be created under the name of %s, which is in the state of this configuration and protected "+
			"from deletion. That is what the plan of -replace is, of replace_triggered_by, and of a changed address "+
			"without a moved block.\n\n"+
			"To keep the store, leave -replace out, run `terraform untaint` on its address, or write a moved block. "+
			"To lose it on purpose, first apply deletion_protection = false.", label))
}

// refuseReplacementOf refuses a creation that succeeds to a protected store, whatever name the new one gets.
func (r *instanceResource) refuseReplacementOf(predecessor string) diag.Diagnostics {
	var diags diag.Diagnostics
	if label, is := r.run.protectedLabel(predecessor); is {
		diags.AddAttributeError(path.Root("deletion_protection"), "Key-Value Store is protected from deletion", fmt.Sprintf(
			"%s is to be replaced, because of -replace or replace_triggered_by. Its successor would be empty, and "+
				"what it holds cannot be recovered after it is destroyed.\n\n"+
				"To keep the store, leave that out. To lose it on purpose, first apply deletion_protection = false.", label))
	}
	return diags
}

// leftAlone refuses to destroy a store that another instance of the same run wants to create under its name.
func (m instanceModel) leftAlone() diag.Diagnostic {
	return diag.NewErrorDiagnostic("Another instance wants the same Key-Value Store", fmt.Sprintf(
		"%s is not destroyed: another kvs_instance was to be created under its name in this run, and was refused "+
			"because the store exists. So it looks like a changed address, or a changed key of for_each. "+
			"If it is one, say so, and nothing is destroyed or created: moved { from = kvs_instance.old, to = "+
			"kvs_instance.new }. If the store is to go, apply that alone first.", m.label()))
}

// warnOfProtection speaks of protection that is taken away.
func (m instanceModel) warnOfProtection(plan instanceModel) diag.Diagnostics {
	if !m.DeletionProtection.ValueBool() || plan.DeletionProtection.IsUnknown() || plan.DeletionProtection.ValueBool() {
		return nil
	}
	return diag.Diagnostics{diag.NewAttributeWarningDiagnostic(path.Root("deletion_protection"),
		"The store loses its protection from deletion", fmt.Sprintf(
			"%s: once this is applied, a plan may destroy or replace the store, and its data cannot be recovered then.", m.label()))}
}

// refuseUnknownApp: an app whose id is not known may be one that is replaced, and Heroku destroys the stores of an app with
// it, before anybody asks the store.
func (r *instanceResource) refuseUnknownApp(state, plan instanceModel, terms migrationModel) diag.Diagnostics {
	unprotected := !state.DeletionProtection.ValueBool() || !plan.DeletionProtection.IsUnknown() && !plan.DeletionProtection.ValueBool()
	if !plan.AppID.IsUnknown() || unprotected || terms.AcceptUnknownApp.ValueBool() || r.run.appStays(state.AppID.ValueString()) {
		return nil
	}
	return diag.Diagnostics{diag.NewAttributeErrorDiagnostic(path.Root("app_id"), "The app of a protected store is not known", fmt.Sprintf(
		"%s is protected from deletion, and its app_id is known only after apply. If the app, %s, is to be replaced, "+
			"Heroku destroys the store and its data with it, before this provider is asked.\n\n"+
			"Make app_id known: look whether this plan replaces the app, apply what app_id comes from first with "+
			"-target, or let it come from something that this change does not touch. "+
			"If the app stays, migration = { accept_unknown_app = true } says so. If the store may be lost, set "+
			"deletion_protection = false.",
		state.label(), state.AppID.ValueString()))}
}

// appGoes refuses a plan that replaces the app of a store: Delete of the app would refuse it in the middle of the apply. Whether
// the store is replaced as well, because of -replace or replace_triggered_by, no plan is told.
func (m instanceModel) appGoes() diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(path.Root("app_id"), "The app of the store is to be replaced", fmt.Sprintf(
		"%s belongs to the app %s, which this plan destroys and makes anew. Heroku destroys the stores of an app with "+
			"it, so an app is not destroyed as long as it owns any. "+
			"To keep the store, make a second app beside the first one, change app_id and apply, and destroy the first one last. "+
			"If its data may be lost, destroy the store first, with an apply of a configuration without it or with -destroy and -target.",
		m.label(), m.AppID.ValueString()))
}

// goneByHand speaks of a store that is not there any more, and of what the plan makes of that.
func (m instanceModel) goneByHand() diag.Diagnostic {
	return diag.NewWarningDiagnostic("Key-Value Store is gone", fmt.Sprintf(
		"%s was destroyed outside of this configuration, by hand or with its app, and its data with it. A plan that "+
			"creates it makes a new, empty store. "+
			"If another store has taken its place, import that one instead; if a copy of the data exists elsewhere, "+
			"fork it: fork = { url_wo = var.url, url_wo_version = 1 }.", m.label()))
}

// lossOnDestroy says what goes with a store that is planned to be destroyed.
func (r *instanceResource) lossOnDestroy(ctx context.Context, state instanceModel) diag.Diagnostics {
	facts := []string{"Its data cannot be recovered: Heroku keeps no copy."}
	if r.client != nil && r.run.mayReadMore() {
		attachments, err := r.client.AddOnAttachments(ctx, state.addOnID())
		if heroku.IsNotFound(err) {
			return nil // it is gone already
		}
		if class, _ := state.spec().Plan.Class(); err == nil && state.ready() && class == keyvalue.ClassCommon {
			facts = []string{r.lossOf(ctx, state) + " They cannot be recovered: Heroku keeps no copy."}
		}
		if len(attachments) > 0 {
			facts = append(facts, "These config vars go, and their apps restart: "+strings.Join(varsOf(attachments), ", ")+".")
		}
	} else {
		if vars := stringsOf(state.ConfigVars); len(vars) > 0 {
			facts = append(facts, "Its app loses "+strings.Join(vars, ", ")+", and restarts.")
		}
		facts = append(facts, fmt.Sprintf("Other apps that it is attached to lose their config vars too. "+
			"A plan looks at the first %d objects that it destroys, and this is a further one: see `heroku "+
			"addons:info %s`.", maxDestroyReads, state.Name.ValueString()))
	}
	return diag.Diagnostics{diag.NewWarningDiagnostic("The store will be destroyed with its data",
		fmt.Sprintf("%s, on the plan %s.\n\n%s", state.label(), state.spec().Plan, bullets(facts)))}
}

// varsOf are the config vars of attachments, with the apps that have them.
func varsOf(attachments []heroku.Attachment) []string {
	vars := make([]string, len(attachments))
	for i, attachment := range attachments {
		vars[i] = fmt.Sprintf("%s of app %s", keyvalue.ConfigVar(attachment.Name), attachment.AppName)
	}
	slices.Sort(vars)
	return vars
}

// protectedStores finds, at plan time, apps and spaces that are to be destroyed while they hold a protected store: Heroku
// would destroy it with its app, and a space gives up its apps first. Terraform plans an app before the stores that refer to
// it, or after, or at the same time, so each side leaves a note and whoever comes second sees the other's.
type protectedStores struct {
	mu     sync.Mutex
	stores map[string]map[string]string // by app and store: the store in words
	spaces map[string]string            // by app: the space that it is in
	doomed map[string]loss              // by the id of an app or a space

	// One store or space may be managed by two instances, of which only one protects it.
	guarded map[object]string // by what is protected: the same in words
	ending  map[object]string // by what an instance plans to destroy: the same in words
}

// loss is an app or a space that is to be destroyed or replaced.
type loss struct {
	id, label string
	space     bool
}

func storeObject(id heroku.AddOnID) object { return object{"kvs_instance", string(id)} }

// protect notes that an instance protects an object, and refuses a destroy that another instance plans for it.
func (p *protectedStores) protect(o object, label string) diag.Diagnostics {
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.guarded == nil {
		p.guarded = make(map[object]string)
	}
	p.guarded[o] = label
	if _, planned := p.ending[o]; planned {
		return diag.Diagnostics{protectedElsewhere(o, label)}
	}
	return nil
}

// protector is the instance that protects an object, in words.
func (p *protectedStores) protector(o object) (label string, protected bool) {
	if p == nil {
		return "", false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	label, protected = p.guarded[o]
	return label, protected
}

// refuseDestroyOf is asked by an instance that does not protect its object itself and is to destroy it.
func (p *protectedStores) refuseDestroyOf(o object, label string) diag.Diagnostics {
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ending == nil {
		p.ending = make(map[object]string)
	}
	p.ending[o] = label
	if _, protected := p.guarded[o]; protected {
		return diag.Diagnostics{protectedElsewhere(o, label)}
	}
	return nil
}

func protectedElsewhere(o object, label string) diag.Diagnostic {
	return diag.NewErrorDiagnostic("Another resource protects what is to be destroyed", fmt.Sprintf(
		"%s is managed twice in this configuration: one %s is to be destroyed, and another one with the same id has "+
			"deletion_protection = true. "+
			"To stop managing it in one place, use a removed block with destroy = false there. To destroy it on "+
			"purpose, first apply deletion_protection = false to the other one as well.", label, o.resourceType))
}

// note remembers a store that was read.
func (p *protectedStores) note(store instanceModel) {
	if p == nil || !store.DeletionProtection.ValueBool() {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	app := store.AppID.ValueString()
	if p.stores == nil {
		p.stores = make(map[string]map[string]string)
	}
	if p.stores[app] == nil {
		p.stores[app] = make(map[string]string)
	}
	p.stores[app][store.ID.ValueString()] = store.label()
	if p.guarded == nil {
		p.guarded = make(map[object]string)
	}
	p.guarded[storeObject(store.addOnID())] = store.label()
}

// noteApp remembers which space an app is in.
func (p *protectedStores) noteApp(app appModel) {
	if p == nil || app.SpaceID.ValueString() == "" {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.spaces == nil {
		p.spaces = make(map[string]string)
	}
	p.spaces[app.ID.ValueString()] = app.SpaceID.ValueString()
}

// refuseLoss is asked by an app that is planned to be destroyed or replaced.
func (p *protectedStores) refuseLoss(app appModel) diag.Diagnostics {
	return p.refuse(loss{id: app.ID.ValueString(), label: app.String()})
}

// refuse is asked when an app or a space is planned to be destroyed or replaced.
func (p *protectedStores) refuse(l loss) diag.Diagnostics {
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.doomed == nil {
		p.doomed = make(map[string]loss)
	}
	p.doomed[l.id] = l
	var held []string
	for app, stores := range p.stores {
		if app == l.id || l.space && p.spaces[app] == l.id {
			held = slices.AppendSeq(held, maps.Values(stores))
		}
	}
	if len(held) == 0 {
		return nil
	}
	slices.Sort(held)
	return diag.Diagnostics{lossOf(l, held)}
}

// refuseLossIn is asked by an app in a space, which may be planned to be destroyed or replaced.
func (p *protectedStores) refuseLossIn(app appModel) diag.Diagnostics {
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	l, doomed := p.doomed[app.SpaceID.ValueString()]
	if stores := slices.Sorted(maps.Values(p.stores[app.ID.ValueString()])); doomed && len(stores) > 0 {
		return diag.Diagnostics{lossOf(l, stores)}
	}
	return nil
}

// refuseLossOf is asked by a store that is planned to stay.
func (p *protectedStores) refuseLossOf(store instanceModel) diag.Diagnostics {
	if p == nil || !store.DeletionProtection.ValueBool() {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	app := store.AppID.ValueString()
	l, doomed := p.doomed[app]
	if !doomed {
		l, doomed = p.doomed[p.spaces[app]]
	}
	if doomed {
		return diag.Diagnostics{lossOf(l, []string{store.label()})}
	}
	return nil
}

func lossOf(l loss, stores []string) diag.Diagnostic {
	if l.space {
		return diag.NewErrorDiagnostic("The space holds a protected Key-Value Store", fmt.Sprintf(
			"%s is to be destroyed or replaced, which takes the apps in it, and with them their stores and the data. "+
				"These are protected:\n\n%s\n\n"+
				"To lose them on purpose, first apply deletion_protection = false to each and destroy it. "+
				"To keep them, keep the space, or first move them to an app elsewhere: change their app_id and apply.", l.label, bullets(stores)))
	}
	return diag.NewErrorDiagnostic("The app owns a protected Key-Value Store", fmt.Sprintf(
		"%s is to be destroyed or replaced, and Heroku would destroy its stores and their data with it. These are protected:\n\n%s\n\n"+
			"To lose them on purpose, first apply deletion_protection = false to each and destroy it. "+
			"To keep them, keep the app, or first move them to another one: change their app_id and apply.", l.label, bullets(stores)))
}

// refuseLoss refuses to destroy a store that is protected, here or by another instance that manages it too.
func (r *instanceResource) refuseLoss(state instanceModel) diag.Diagnostics {
	if diags := state.refuseDestroy(); diags.HasError() {
		return diags
	}
	return r.protected.refuseDestroyOf(storeObject(state.addOnID()), state.label())
}
