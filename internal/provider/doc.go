// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

// Package provider is the Terraform provider for Heroku Key-Value Store: schemas, plans, state and diagnostics.
//
// One file holds one noun and reads in the order of the object's life: declare, validate, plan, apply, translate.
// What Key-Value Store is lives in package keyvalue, how Heroku is spoken to in package heroku, and how a store is replaced
// by another one in package replacement.
//
// What is sent to whom, and on which proof, SECURITY.md says as a table: it is decided in heroku.New (the token),
// connection.probeServer (the passwords of stores) and certificates.go (who is the server that was there before).
//
// Every resource and action is served within governed or governedAction (change_control_governed.go), which judge a change
// before its first request and carry it in the context of all its requests: with change control, a request that changes
// something and belongs to no change is not sent.
//
// # What is destroyed or adopted, on which proof
//
// A name proves nothing, since anybody may give it to a store once it is free, and an id in a state proves nothing but
// that it was there. Below is every place that destroys, detaches, overwrites or orders something, with what has to be
// proven before; a test compares the list with the source. "The resource's own" is an object whose id a create, a read or
// an import has put into the state of this resource.
//
// A store is adopted in two places, and only there. Manager.successorOf takes a store for the one that has replaced
// the resource's own, if that one is gone or retired, and the other has its name and bears the attachment KVS_FORK_<id> of
// just that id on its own app. replacement.findNewStore takes a store for the new one of a replacement that an earlier run has
// begun, if it has the derived name, bears KVS_FORK_<id> on its own app, and was made after the marker. The attachment is
// part of the order of the new store, so that nothing can have the one without the other. It costs no request to see, since
// an add-on lists its config vars. A run may be killed after the last step and before its state is written, so that the
// proof has to outlive the run, and a read must not remove it: it stays until the next change of the store, as one config
// var KVS_FORK_..._URL more on the app that owns the store. Delete never looks for a successor: what is not found is gone.
//
// Two runs that carry out the same replacement keep apart by a lease, KVS_LEASE_<id>_<run>, an attachment too, since
// Heroku tells the age of attachments and gives no name twice. It is valid for three minutes, in the last of which its
// holder sends nothing. An apply after a run that was killed while it moved attachments therefore waits up to three
// minutes. A request that Heroku itself carries out more than a minute after it was sent, and after the client has given it
// up, is outside of what this can prevent. Each attachment that comes or goes restarts the app that owns the old store: the
// marker, the lease and its end do so once each, unless the old store goes together with them.
//
// A moved block is the word of its author, as an import block is. A state in which an early version of another provider has a
// name in the place of the id is read by that name (identify in move_state.go), once: what is found is in the state by its id.
//
// Protection is noted by id for the time of one plan, so that an object which two resources manage is not destroyed
// through the one that does not protect it. Terraform plans neither what -target leaves out nor the destroy half of
// -replace, and applies a saved plan without the resources that do not change: there, only the resource's own protection is
// known.
//
// Stores and what belongs to them:
//
//	instanceResource.orderAttached     CreateAddOn           the name is free: what has it already is neither taken over nor touched
//	instanceResource.changeInPlace     UpdateAddOn           the resource's own, by id
//	instanceResource.finish            UpdateStoreConfig     the resource's own, by id; only the settings that differ
//	instanceResource.attachAs          CreateAttachment      without confirm, so that Heroku refuses a name in use
//	instanceResource.nameForGood       UpdateAddOn           the resource's own, by the id that its order has returned
//	instanceResource.handOver          CreateAttachment      with confirm: REDIS of the resource's own, to the one store that this run made on its app
//	instanceResource.Delete            DeleteAddOn           the resource's own, by id, that nothing protects; no other app is attached
//	instanceResource.detachAndDelete   DeleteAttachment      of the resource's own, on apps from which a replacement has carried it over
//	instanceResource.detachAndDelete   DeleteAddOn           as Delete; no app is attached that nobody here has attached
//	Manager.Destroy                    DeleteAddOn           what its callers have proven, below
//	Manager.Detach                     DeleteAttachment      it has the name of a marker or a former name, on the app, and is of the store
//
// Manager.Destroy is called for a fork that lacks keys, by the id that this run's order has returned (verifyFork); for the new
// store of a replacement that is given up, found by findNewStore, under the lease, without any attachment but its first one
// (discard), or ordered in this run (overtaken); for the same in a destroy of both stores (destroyNewStore); for the old store,
// under the lease, immediately after its attachments were read again and found to be markers only, and after the new one was
// looked at again: provisioned, with every attachment that the old one had (retire, checkMoved); and for the store that was
// kept: a UUID, of heroku-redis, with the retired name of this resource's store or of one that this store succeeds, with a
// marker on its own app and no other attachment, and protected by nobody in this run (WhyNotRetired).
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
//	attachmentResource.attach          CreateAttachment      with confirm only over its own, or REDIS of a store that stays attached
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
//	appResource.Delete                 DeleteApp             the resource's own, by id; it owns no add-on any more
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
//	trustedRangeResource.Update        ChangeTrustedRanges   its own range for another one that is not there, or that another instance gives up
//	trustedRangeResource.Delete        ChangeTrustedRanges   removes its own range, and no other
package provider
