// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

// Package provider is the Terraform provider for Heroku Key-Value Store: schemas, plans, state and diagnostics.
//
// Each file holds one noun, in the order of the object's life: declare, validate, plan, apply, convert. Package keyvalue
// has the facts about Key-Value Store, package heroku has the API client, and package replacement replaces one store by
// another.
//
// SECURITY.md has a table of what is sent to which server, and what is verified first. The code is in heroku.New (the
// token), connection.probeServer (the passwords of stores) and certificates.go (whether a server is the same as before).
//
// Every resource and action is wrapped in governed or governedAction (change_control_governed.go). They check a change
// before its first request and put it into the context of all its requests. With change control, a writing request whose
// context has no change is not sent.
//
// # Destructive requests and their preconditions
//
// A name proves nothing, because anybody can give it to another store once it is free. An id in a state proves only that
// the object existed. The tables below list every place that destroys, detaches, overwrites or orders something, and what
// is verified first. A test compares the tables with the source. "The resource's own" object is one whose id a create, a
// read or an import has put into the state of this resource.
//
// A store is adopted in two places only. Manager.successorOf accepts a store as the replacement of the resource's own
// store if the latter is gone or retired, and the former has its name and carries the attachment KVS_FORK_<id> of exactly
// that id on its own app. replacement.findNewStore accepts a store as the new one of a replacement that an earlier run
// began, if it has the derived name, carries KVS_FORK_<id> on its own app, and was created after the marker. The new store
// is ordered together with that attachment, so neither exists without the other. Checking it costs no request, because an
// add-on lists its config vars. A run may be killed after the last step and before its state is written. The attachment
// therefore outlives the run, and no read removes it: until the next change of the store, the app that owns the store has
// one additional config var KVS_FORK_..._URL. Delete never looks for a successor: a store that is not found is gone.
//
// Concurrent runs of the same replacement exclude each other with a lease: the attachment KVS_LEASE_<id>_<run>. An
// attachment works as a lease because Heroku reports its age and never gives one name twice. The lease is valid for three
// minutes, and its holder sends nothing in the last of them. An apply that follows a run that was killed while it moved
// attachments therefore waits up to three minutes. The lease cannot prevent the effect of a request that Heroku carries out
// more than a minute after it was sent, when the client has given it up. Each attachment that is added or removed restarts
// the app that owns the old store: the marker, the lease and the removal of the lease cause one restart each, unless the
// attachments are removed together with the old store.
//
// A moved block is trusted like an import block. A state of an early version of another provider may have a name in
// the place of the id. It is read by that name once (identify in move_state.go), and the state has the id from then on.
//
// Deletion protection is tracked by id during one plan, so that an object that two resources manage is not destroyed
// through the one that does not protect it. Terraform plans neither what -target excludes nor the destroy half of
// -replace, and applies a saved plan without the resources that do not change. In these cases only the resource's own
// protection is known.
//
// Stores and what belongs to them:
//
//	instanceResource.orderAttached     CreateAddOn           the name is free; a store that has it already is neither adopted nor changed
//	instanceResource.changeInPlace     UpdateAddOn           the resource's own, by id
//	instanceResource.finish            UpdateStoreConfig     the resource's own, by id; only the settings that differ
//	instanceResource.attachAs          CreateAttachment      without confirm, so that Heroku refuses a name in use
//	instanceResource.setPermanentName  UpdateAddOn           the resource's own, by the id that its order has returned
//	instanceResource.handOver          CreateAttachment      with confirm: REDIS of its own, to the one store that this run made on its app
//	instanceResource.Delete            DeleteAddOn           the resource's own, by id, not protected; no other app is attached
//	instanceResource.detachAndDelete   DeleteAttachment      of the resource's own, on apps that owned its predecessors before a replacement
//	instanceResource.detachAndDelete   DeleteAddOn           as Delete; every attachment was created by this resource
//	Manager.Destroy                    DeleteAddOn           see below for what its callers verify
//	Manager.Detach                     DeleteAttachment      on the app, of the store, with the name of a marker or a former name
//
// Manager.Destroy is called for:
//   - a fork that lacks keys, by the id that the order of this run returned (verifyFork)
//   - the new store of a replacement that is given up: found by findNewStore, under the lease, with no attachment but its
//     first one (discard), or ordered in this run (overtaken)
//   - the same store when both stores are destroyed (destroyNewStore)
//   - the old store, under the lease, immediately after its attachments were read again and found to be markers only, and
//     after the new store was verified again: provisioned, with every attachment that the old one had (retire, checkMoved)
//   - a store that was kept: a UUID, of heroku-redis, with the retired name of this resource's store or of one that this
//     store succeeds, with a marker on its own app and no other attachment, and not protected in this run (WhyNotRetired)
//
// Replacements, in package replacement:
//
//	replacement.addMarker              CreateAttachment      the migration marker, on the old store; without confirm
//	replacement.takeLease              CreateAttachment      the lease, on the old store; without confirm, under a name of this run
//	replacement.takeLease              DeleteAttachment      leases on the old store: this run's own, and those that are over
//	replacement.releaseLease           DeleteAttachment      the lease of this run, by the id that its order has returned
//	replacement.createNewStore         CreateAddOn           the derived name is free; one that has it already is proven by findNewStore
//	replacement.finishNewStore         UpdateStoreConfig     the new store, ordered by this run or proven by findNewStore
//	replacement.finishNewStore         SetMaintenanceWindow  the same
//	replacement.repoint                CreateAttachment      with confirm, under the lease: an attachment just read as one of the two stores
//	replacement.attachOwner            CreateAttachment      without confirm, under the lease
//	replacement.exchangeNames          UpdateAddOn           under the lease: both stores, by id
//	replacement.keepOld                CreateAttachment      without confirm, under the lease: the marker of a kept store
//	replacement.destroyNewStore        DeleteAttachment      under the lease: of the new store, on the app of the old one; both go
//	Manager.writeMemo                  SetConfigVar          KVS_MIGRATION only, whose former content was read and understood
//	Manager.releaseApp                 SetConfigVar          the same; only a holder named in it puts the app back
//	Manager.holdApp                    Scale                 what was before is in KVS_MIGRATION already
//	Manager.releaseApp                 Scale                 process types at 0 that KVS_MIGRATION has another quantity of
//	Manager.ScaleProcess               UpdateProcess         the process type that the configuration names; of a held app the size only
//	Manager.resizeTogether             UpdateProcesses       the same, with the sizes that this run plans for others of the app
//	Manager.setAppMaintenance          UpdateApp             what was before is in KVS_MIGRATION already
//
// Attachments, windows, actions on stores:
//
//	attachmentResource.attach          CreateAttachment      with confirm only to replace its own, or REDIS of a store that stays attached
//	connection.keepReachable           CreateAttachment      without confirm, under a name that Heroku chooses
//	attachmentResource.detach          DeleteAttachment      the resource's own, by id; not the last one of its store on its own app
//	maintenanceWindowResource.set      SetMaintenanceWindow  the store that the configuration names, by id
//	rotation.rotate                    RotateCredentials     the store that the configuration names, a heroku-redis
//	statsAction.Invoke                 ResetStats            the same
//	invocation.schedule                ScheduleMaintenance   the same
//	maintenanceRun.start               RunMaintenance        the same; a maintenance is due
//	maintenanceRun.upgrade             UpgradeStore          the same; never to a lower version
//	maintenanceRun.upgradeAtOnce       UpgradeStore          the same
//
// Apps, spaces, trusted ranges:
//
//	appResource.Create                 CreateApp             the name is free
//	appResource.Create                 UpdateApp             the app just created, by id
//	appResource.steps                  UpdateApp             the resource's own, by id
//	appResource.steps                  TransferApp           the resource's own, by id
//	appMaintenanceAction.Invoke        UpdateApp             the app that the configuration names: its maintenance mode
//	appResource.Delete                 DeleteApp             the resource's own, by id; it owns no add-on
//	privateSpaceResource.Create        CreateSpace           the name is free
//	privateSpaceResource.steps         RenameSpace           the resource's own, by id
//	privateSpaceResource.steps         TransferSpace         the resource's own, by id
//	privateSpaceResource.steps         SetSpaceLogDrain      the resource's own, by id
//	privateSpaceResource.deleteOnceEmpty DeleteSpace         the resource's own, by id, that nothing protects; Heroku wants it empty
//	spaceAppAccessResource.set         SetSpaceMember        who has a permission already, and not from this plan, is refused
//	spaceAppAccessResource.giveUp      SetSpaceMember        the resource's own, by space and member; only a permission that it has
//	trustedRangesResource.Create       SetTrustedRanges      the space that the configuration names; the plan shows what is replaced
//	trustedRangesResource.Update       SetTrustedRanges      the resource's own, by the id of the space
//	trustedRangesResource.Delete       SetTrustedRanges      the same, as on_destroy says; never to the whole internet by itself
//	trustedRangeResource.Create        ChangeTrustedRanges   adds its range, which is not there; 0.0.0.0/0 goes as closes_space says
//	trustedRangeResource.Update        ChangeTrustedRanges   its own range for another one that is absent, or that another instance gives up
//	trustedRangeResource.Delete        ChangeTrustedRanges   removes its own range, and no other
package provider
