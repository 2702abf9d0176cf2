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

// Destroying a store destroys its keys, and Heroku keeps no copy (Dev Center: Heroku Key-Value Store). This file has the
// refusals and warnings that follow from that.

// noteState records a store of the state, for the plans of other instances.
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

// warnOfEviction warns of a change to a policy under which keys begin to be evicted.
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

// protectedName refuses the second half of a replacement before the first half destroys anything, because ModifyPlan is not told
// that the two belong together.
func protectedName(label string) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(path.Root("name"), "A protected Key-Value Store has this name", fmt.Sprintf(
		"A store is to be created under the name of %s, which is in the state of this configuration and protected from deletion. "+
			"This is how -replace, replace_triggered_by, and a changed address without a moved block appear in a plan.\n\nTo keep the "+
			"store, leave -replace out, run `terraform untaint` on its address, or write a moved block. To lose it on purpose, first "+
			"apply deletion_protection = false.", label))
}

// refuseReplacementOf refuses a creation that replaces a protected store, whatever the name of the new one.
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

// wantedByAnother refuses to destroy a store if another instance of the same run wants to create a store of its name.
func (m instanceModel) wantedByAnother() diag.Diagnostic {
	return diag.NewErrorDiagnostic("Another instance wants the same Key-Value Store", fmt.Sprintf(
		"%s is not destroyed: another kvs_instance was to be created under its name in this run, and was refused because the "+
			"store exists. This looks like a changed address, or a changed key of for_each. If so, write a moved block, and "+
			"nothing is destroyed or created: moved { from = kvs_instance.old, to = kvs_instance.new }. To destroy the store, "+
			"apply that alone first.", m.label()))
}

// warnOfProtection warns that the plan removes deletion protection.
func (m instanceModel) warnOfProtection(plan instanceModel) diag.Diagnostics {
	if !m.DeletionProtection.ValueBool() || plan.DeletionProtection.IsUnknown() || plan.DeletionProtection.ValueBool() {
		return nil
	}
	return diag.Diagnostics{diag.NewAttributeWarningDiagnostic(path.Root("deletion_protection"),
		"The store loses its protection from deletion", fmt.Sprintf(
			"%s: once this is applied, a plan may destroy or replace the store, and its data cannot be recovered then.", m.label()))}
}

// refuseUnknownApp refuses an unknown app_id of a protected store: the app may be one that is replaced, and Heroku destroys an
// app's stores together with it, without consulting this provider.
func (r *instanceResource) refuseUnknownApp(state, plan instanceModel, terms migrationModel) diag.Diagnostics {
	unprotected := !state.DeletionProtection.ValueBool() || !plan.DeletionProtection.IsUnknown() && !plan.DeletionProtection.ValueBool()
	if !plan.AppID.IsUnknown() || unprotected || terms.AcceptUnknownApp.ValueBool() || r.run.appStays(state.AppID.ValueString()) {
		return nil
	}
	return diag.Diagnostics{diag.NewAttributeErrorDiagnostic(path.Root("app_id"), "The app of a protected store is not known", fmt.Sprintf(
		"%s is protected from deletion, and its app_id is known only after apply. If the app, %s, is to be replaced, Heroku destroys the "+
			"store and its data with it, before this provider is asked.\n\nMake app_id known: check whether this plan replaces the app, first "+
			"apply the resource that app_id comes from with -target, or take app_id from something that this change does not touch. If you "+
			"know that the app stays, set migration = { accept_unknown_app = true }. If the store may be lost, set deletion_protection = false.",
		state.label(), state.AppID.ValueString()))}
}

// appReplaced refuses a plan that replaces the app of a store, because Delete of the app would fail in the middle of the apply.
// A plan is not told whether -replace or replace_triggered_by replaces the store as well.
func (m instanceModel) appReplaced() diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(path.Root("app_id"), "The app of the store is to be replaced", fmt.Sprintf(
		"%s belongs to the app %s, which this plan destroys and makes anew. Heroku destroys the stores of an app with "+
			"it, so an app is not destroyed as long as it owns any. "+
			"To keep the store, make a second app beside the first one, change app_id and apply, and destroy the first one last. "+
			"If its data may be lost, destroy the store first, with an apply of a configuration without it or with -destroy and -target.",
		m.label(), m.AppID.ValueString()))
}

// goneWarning explains that a store no longer exists, and what a plan will do.
func (m instanceModel) goneWarning() diag.Diagnostic {
	return diag.NewWarningDiagnostic("Key-Value Store is gone", fmt.Sprintf(
		"%s was destroyed outside of this configuration, by hand or with its app, and its data with it. A plan that "+
			"creates it makes a new, empty store. "+
			"If another store has taken its place, import that one instead; if a copy of the data exists elsewhere, "+
			"fork it: fork = { url_wo = var.url, url_wo_version = 1 }.", m.label()))
}

// lossOnDestroy warns of what is lost with a store that is planned to be destroyed.
func (r *instanceResource) lossOnDestroy(ctx context.Context, state instanceModel) diag.Diagnostics {
	facts := []string{"Its data cannot be recovered: Heroku keeps no copy."}
	if r.client != nil && r.run.mayReadMore() {
		attachments, err := r.client.AddOnAttachments(ctx, state.addOnID())
		if heroku.IsNotFound(err) {
			return nil // already gone
		}
		if class, _ := state.spec().Plan.Class(); err == nil && state.ready() && class == keyvalue.ClassCommon {
			facts = []string{r.describeLoss(ctx, state) + " They cannot be recovered: Heroku keeps no copy."}
		}
		if len(attachments) > 0 {
			facts = append(facts, "These config vars go, and their apps restart: "+strings.Join(varsOf(attachments), ", ")+".")
		}
	} else {
		if vars := stringsOf(state.ConfigVars); len(vars) > 0 {
			facts = append(facts, "Its app loses "+strings.Join(vars, ", ")+", and restarts.")
		}
		facts = append(facts, fmt.Sprintf("Other apps that it is attached to lose their config "+
			"vars too. A plan looks only at the first %d objects that it destroys, and this is a "+
			"further one: see `heroku addons:info %s`.", maxDestroyReads, state.Name.ValueString()))
	}
	return diag.Diagnostics{diag.NewWarningDiagnostic("The store will be destroyed with its data",
		fmt.Sprintf("%s, on the plan %s.\n\n%s", state.label(), state.spec().Plan, bullets(facts)))}
}

// varsOf lists the config vars of attachments, with their apps.
func varsOf(attachments []heroku.Attachment) []string {
	vars := make([]string, len(attachments))
	for i, attachment := range attachments {
		vars[i] = fmt.Sprintf("%s of app %s", keyvalue.ConfigVar(attachment.Name), attachment.AppName)
	}
	slices.Sort(vars)
	return vars
}

// protectedStores finds, at plan time, apps and spaces that are to be destroyed although they hold a protected store: Heroku
// destroys a store with its app, and this provider destroys the apps of a space before the space. Terraform plans an app before,
// after or at the same time as the stores that refer to it. Each side therefore records its plan, and the second one finds the
// conflict.
type protectedStores struct {
	mu     sync.Mutex
	stores map[string]map[string]string // labels of stores, by app id and store id
	spaces map[string]string            // space ids, by app id
	lost   map[string]loss              // planned losses, by the id of the app or space

	// Two instances may manage one store or space, and only one of them protects it.
	protected  map[object]string // labels of protected objects
	destroying map[object]string // labels of objects that an instance plans to destroy
}

// loss is an app or a space that is to be destroyed or replaced.
type loss struct {
	id, label string
	space     bool
}

func storeObject(id heroku.AddOnID) object { return object{"kvs_instance", string(id)} }

// protect records that an instance protects an object, and refuses a destroy of it that another instance plans.
func (p *protectedStores) protect(o object, label string) diag.Diagnostics {
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.protected == nil {
		p.protected = make(map[object]string)
	}
	p.protected[o] = label
	if _, planned := p.destroying[o]; planned {
		return diag.Diagnostics{protectedElsewhere(o, label)}
	}
	return nil
}

// protector returns the label of a protected object.
func (p *protectedStores) protector(o object) (label string, protected bool) {
	if p == nil {
		return "", false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	label, protected = p.protected[o]
	return label, protected
}

// refuseDestroyOf records that an instance which does not protect its object plans to destroy it, and refuses that if another
// instance protects it.
func (p *protectedStores) refuseDestroyOf(o object, label string) diag.Diagnostics {
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.destroying == nil {
		p.destroying = make(map[object]string)
	}
	p.destroying[o] = label
	if _, protected := p.protected[o]; protected {
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

// note records a store that was read.
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
	if p.protected == nil {
		p.protected = make(map[object]string)
	}
	p.protected[storeObject(store.addOnID())] = store.label()
}

// noteApp records which space an app is in.
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

// refuseLoss is [protectedStores.refuse] for an app.
func (p *protectedStores) refuseLoss(app appModel) diag.Diagnostics {
	return p.refuse(loss{id: app.ID.ValueString(), label: app.String()})
}

// refuse records an app or a space that is planned to be destroyed or replaced, and refuses that if it holds protected stores.
func (p *protectedStores) refuse(l loss) diag.Diagnostics {
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lost == nil {
		p.lost = make(map[string]loss)
	}
	p.lost[l.id] = l
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
	return diag.Diagnostics{protectedLoss(l, held)}
}

// refuseLossIn refuses the planned loss of an app's space, if the app holds protected stores.
func (p *protectedStores) refuseLossIn(app appModel) diag.Diagnostics {
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	l, lost := p.lost[app.SpaceID.ValueString()]
	if stores := slices.Sorted(maps.Values(p.stores[app.ID.ValueString()])); lost && len(stores) > 0 {
		return diag.Diagnostics{protectedLoss(l, stores)}
	}
	return nil
}

// refuseLossOf refuses the planned loss of the app or the space of a protected store that is planned to stay.
func (p *protectedStores) refuseLossOf(store instanceModel) diag.Diagnostics {
	if p == nil || !store.DeletionProtection.ValueBool() {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	app := store.AppID.ValueString()
	l, lost := p.lost[app]
	if !lost {
		l, lost = p.lost[p.spaces[app]]
	}
	if lost {
		return diag.Diagnostics{protectedLoss(l, []string{store.label()})}
	}
	return nil
}

func protectedLoss(l loss, stores []string) diag.Diagnostic {
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

// refuseLoss refuses to destroy a store that this or another instance protects.
func (r *instanceResource) refuseLoss(state instanceModel) diag.Diagnostics {
	if diags := state.refuseDestroy(); diags.HasError() {
		return diags
	}
	return r.protected.refuseDestroyOf(storeObject(state.addOnID()), state.label())
}
