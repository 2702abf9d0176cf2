// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import "net/http"

// routes are the routes of both APIs.
var routes = []route{
	{pattern: "GET /account", handle: getAccount},
	{pattern: "GET /account/rate-limits", handle: getRateLimit, free: true},
	{pattern: "GET /users/{user}", handle: onlySelf(getAccount)},
	{pattern: "GET /users/{user}/apps", handle: onlySelf(listApps)},
	{pattern: "GET /users/{user}/addons", handle: onlySelf(listUserAddOns)},

	{pattern: "GET /teams", handle: listTeams},
	{pattern: "POST /teams", handle: take(createTeam), creates: true},
	{pattern: "GET /enterprise-accounts/{enterprise}/teams", handle: listEnterpriseTeams},
	{pattern: "GET /teams/permissions", handle: listPermissions},
	{pattern: "GET /teams/{team}", handle: show(pathTeam, teamBody)},
	{pattern: "GET /teams/{team}/{noun}", handle: handleTeamNoun},
	{pattern: "PATCH /teams/{team}/{noun}", handle: handleTeamNoun},
	{pattern: "PUT /teams/{team}/members", handle: change(teamToManage, setTeamMember)},
	{pattern: "POST /teams/{team}/members", handle: change(teamToManage, setTeamMember), creates: true},
	{pattern: "DELETE /teams/{team}/members/{member}", handle: with(teamToManage, deleteTeamMember)},

	{pattern: "GET /spaces", handle: listSpaces},
	{pattern: "POST /spaces", handle: take(createSpace), creates: true},
	{pattern: "GET /spaces/{space}", handle: show(pathSpace, spaceBody)},
	{pattern: "PATCH /spaces/{space}", handle: change(spaceToChange, updateSpace)},
	{pattern: "DELETE /spaces/{space}", handle: with(spaceToChange, deleteSpace)},
	{pattern: "POST /spaces/{space}/transfer", handle: change(spaceToChange, transferSpace), creates: true},
	{pattern: "GET /spaces/{space}/nat", handle: with(pathSpace, getSpaceNAT)},
	{pattern: "GET /spaces/{space}/peering-info", handle: with(networkReady(pathSpace), getPeeringInfo)},
	{pattern: "GET /spaces/{space}/topology", handle: with(pathSpace, getSpaceTopology)},
	{pattern: "GET /spaces/{space}/dynos", handle: with(pathSpace, listSpaceDynos)},
	{pattern: "GET /spaces/{space}/log-drain", handle: with(spaceToChange, getSpaceLogDrain)},
	{pattern: "PUT /spaces/{space}/log-drain", handle: change(spaceToChange, setSpaceLogDrain)},
	{pattern: "GET /spaces/{space}/inbound-ruleset", handle: show(networkReady(pathSpace), getRuleset)},
	{pattern: "PUT /spaces/{space}/inbound-ruleset", handle: change(networkReady(spaceToChange), setRuleset)},
	{pattern: "GET /spaces/{space}/inbound-rulesets", handle: with(networkReady(pathSpace), listRulesets)},
	{pattern: "GET /spaces/{space}/inbound-rulesets/{ruleset}", handle: with(networkReady(pathSpace), getRulesetByID)},
	{pattern: "GET /spaces/{space}/members", handle: with(pathSpace, listSpaceMembers)},
	{pattern: "GET /spaces/{space}/members/{member}", handle: with(pathSpace, getSpaceMember)},
	{pattern: "PATCH /spaces/{space}/members/{member}", handle: change(spaceToChange, updateSpaceMember)},

	{pattern: "GET /regions", handle: listRegions, public: true},
	{pattern: "GET /regions/{region}", handle: show(pathRegion, getRegion), public: true},
	{pattern: "GET /regions/{region}/addon-region-capabilities", handle: with(pathRegion, listRegionCapabilities)},
	{pattern: "GET /generations", handle: listGenerations},
	{pattern: "GET /generations/{generation}", handle: getGeneration},
	{pattern: "GET /stacks", handle: listStacks},
	{pattern: "GET /stacks/{stack}", handle: getStack},
	{pattern: "GET /dyno-sizes", handle: listDynoSizes},
	{pattern: "GET /dyno-sizes/{size}", handle: getDynoSize},
	{pattern: "GET /addon-services", handle: listServices, public: true},
	{pattern: "GET /addon-services/{service}", handle: show(pathService, getService), public: true},
	{pattern: "GET /addon-services/{service}/plans", handle: with(pathService, listServicePlans), public: true},
	{pattern: "GET /addon-services/{service}/plans/{plan}", handle: with(pathService, getServicePlan), public: true},
	{pattern: "GET /addon-services/{service}/region-capabilities", handle: with(pathService, listServiceCapabilities)},
	{pattern: "GET /addon-region-capabilities", handle: listCapabilities},
	{pattern: "GET /plans", handle: listPlans, public: true},
	{pattern: "GET /plans/{plan}", handle: getPlan, public: true},

	{pattern: "GET /apps", handle: listApps},
	{pattern: "POST /apps", handle: take(createApp), creates: true},
	{pattern: "GET /apps/{app}", handle: show(pathApp, appBody)},
	{pattern: "PATCH /apps/{app}", handle: change(pathAppToChange, updateApp)},
	{pattern: "DELETE /apps/{app}", handle: with(pathAppToChange, deleteApp)},
	{pattern: "POST /teams/apps", handle: take(createTeamApp), creates: true},
	{pattern: "POST /apps/{app}/acm", handle: with(pathAppToChange, enableACM)},
	{pattern: "PATCH /apps/{app}/acm", handle: with(pathAppToChange, refreshACM)},
	{pattern: "DELETE /apps/{app}/acm", handle: with(pathAppToChange, disableACM)},
	{pattern: "GET /apps/{app}/available-stacks", handle: with(pathApp, listAppStacks)},
	{pattern: "GET /apps/{app}/buildpack-installations", handle: with(pathApp, listBuildpacks)},
	{pattern: "PUT /apps/{app}/buildpack-installations", handle: change(pathAppToChange, setBuildpacks)},
	{pattern: "GET /apps/{app}/collaborators", handle: with(pathApp, listCollaborators)},
	{pattern: "POST /apps/{app}/collaborators", handle: change(pathAppToChange, createCollaborator), creates: true},
	{pattern: "GET /apps/{app}/collaborators/{collaborator}", handle: with(pathApp, getCollaborator)},
	{pattern: "DELETE /apps/{app}/collaborators/{collaborator}", handle: with(pathAppToChange, deleteCollaborator)},
	{pattern: "GET /teams/apps/{app}/collaborators", handle: with(pathTeamApp, listCollaborators)},
	{pattern: "POST /teams/apps/{app}/collaborators", handle: change(teamAppToChange, createCollaborator), creates: true},
	{pattern: "GET /teams/apps/{app}/collaborators/{collaborator}", handle: with(pathTeamApp, getCollaborator)},
	{pattern: "PATCH /teams/apps/{app}/collaborators/{collaborator}", handle: change(teamAppToChange, updateCollaborator)},
	{pattern: "DELETE /teams/apps/{app}/collaborators/{collaborator}", handle: with(teamAppToChange, deleteCollaborator)},
	{pattern: "GET /apps/{app}/domains", handle: with(pathApp, listDomains)},
	{pattern: "POST /apps/{app}/domains", handle: change(pathAppToChange, createDomain), creates: true},
	{pattern: "GET /apps/{app}/domains/{domain}", handle: with(pathApp, getDomain)},
	{pattern: "PATCH /apps/{app}/domains/{domain}", handle: change(pathAppToChange, updateDomain)},
	{pattern: "DELETE /apps/{app}/domains/{domain}", handle: with(pathAppToChange, deleteDomain)},
	{pattern: "GET /apps/{app}/features", handle: with(pathApp, listAppFeatures)},
	{pattern: "GET /apps/{app}/features/{feature}", handle: with(pathApp, getAppFeature)},
	{pattern: "PATCH /apps/{app}/features/{feature}", handle: change(pathAppToChange, updateAppFeature)},
	{pattern: "GET /apps/{app}/log-drains", handle: with(pathAppToChange, listDrains)},
	{pattern: "POST /apps/{app}/log-drains", handle: change(pathAppToChange, createDrain), creates: true},
	{pattern: "GET /apps/{app}/log-drains/{drain}", handle: with(pathAppToChange, getDrain)},
	{pattern: "DELETE /apps/{app}/log-drains/{drain}", handle: with(pathAppToChange, deleteDrain)},
	{pattern: "GET /apps/{app}/pipeline-couplings", handle: with(pathApp, getPipelineCoupling)},
	{pattern: "POST /apps/{app}/log-sessions", handle: change(pathApp, createLogSession), creates: true, query: true},

	{pattern: "GET /apps/{app}/config-vars", handle: with(pathAppToChange, getConfigVars)},
	{pattern: "PATCH /apps/{app}/config-vars", handle: with(pathReadyApp, updateConfigVars)},
	{pattern: "GET /apps/{app}/releases", handle: with(pathApp, listReleases)},
	{pattern: "GET /apps/{app}/releases/{release}", handle: with(pathApp, getRelease)},
	{pattern: "GET /apps/{app}/releases/{release}/config-vars", handle: with(pathAppToChange, getReleaseConfigVars)},
	{pattern: "POST /apps/{app}/releases", handle: change(pathAppToChange, createRelease), creates: true},
	{pattern: "GET /apps/{app}/available-dyno-sizes", handle: with(pathApp, listAppDynoSizes)},
	{pattern: "GET /apps/{app}/dynos", handle: with(pathApp, listDynos)},
	{pattern: "POST /apps/{app}/dynos", handle: with(pathAppToChange, createDyno), creates: true},
	{pattern: "DELETE /apps/{app}/dynos", handle: with(pathAppToChange, restartDynos)},
	{pattern: "GET /apps/{app}/dynos/{dyno}", handle: with(pathApp, getDyno)},
	{pattern: "DELETE /apps/{app}/dynos/{dyno}", handle: with(pathAppToChange, restartDynos)},
	{pattern: "POST /apps/{app}/dynos/{dyno}/actions/stop", handle: with(pathAppToChange, restartDynos)},
	{pattern: "DELETE /apps/{app}/formations/{process}", handle: with(pathAppToChange, restartDynos)},
	{pattern: "POST /apps/{app}/formations/{process}/actions/stop", handle: with(pathAppToChange, restartDynos)},
	{pattern: "GET /apps/{app}/formation", handle: with(pathApp, listFormation)},
	{pattern: "PATCH /apps/{app}/formation", handle: change(pathAppToChange, updateFormation)},
	{pattern: "GET /apps/{app}/formation/{process}", handle: with(pathApp, getProcess)},
	{pattern: "PATCH /apps/{app}/formation/{process}", handle: change(pathAppToChange, updateProcess)},

	{pattern: "GET /addons", handle: listAddOns},
	{pattern: "GET /addons/{addon}", handle: show(pathAddOn, addOnBody)},
	{pattern: "GET /addons/{addon}/config", handle: with(pathAddOn, getAddOnConfig)},
	{pattern: "PATCH /addons/{addon}/config", handle: with(pathAddOn, updateAddOnConfig)},
	{pattern: "GET /addons/{addon}/addon-attachments", handle: with(pathAddOn, listAddOnAttachments)},
	{pattern: "GET /apps/{app}/addons", handle: with(pathApp, listAppAddOns)},
	{pattern: "POST /apps/{app}/addons", handle: change(pathReadyApp, createAddOn), creates: true},
	{pattern: "GET /apps/{app}/addons/{addon}", handle: with(pathApp, getAppAddOn)},
	{pattern: "PATCH /apps/{app}/addons/{addon}", handle: change(addOnToChange, updateAddOn)},
	{pattern: "DELETE /apps/{app}/addons/{addon}", handle: change(addOnToChange, deleteAddOn)},
	{pattern: "POST /actions/addons/resolve", handle: take(resolveAddOn), query: true},

	{pattern: "GET /addon-attachments", handle: listAttachments},
	{pattern: "POST /addon-attachments", handle: take(createAttachment), creates: true},
	{pattern: "GET /addon-attachments/{attachment}", handle: show(pathAttachment, attachmentBody)},
	{pattern: "DELETE /addon-attachments/{attachment}", handle: with(pathAttachment, deleteAttachment)},
	{pattern: "GET /apps/{app}/addon-attachments", handle: with(pathApp, listAppAttachments)},
	{pattern: "GET /apps/{app}/addon-attachments/{attachment}", handle: with(pathApp, getAppAttachment)},
	{pattern: "POST /actions/addon-attachments/resolve", handle: take(resolveAttachment), query: true},

	{pattern: "GET /redis/v0/databases/{store}", handle: show(pathStore, getStore)},
	{pattern: "GET /redis/v0/databases/{store}/config", handle: with(pathStore, getStoreConfig)},
	{pattern: "PATCH /redis/v0/databases/{store}/config", handle: change(usableStore, updateStoreConfig)},
	{pattern: "GET /redis/v0/databases/{store}/wait", handle: show(pathStore, getStoreWait)},
	{pattern: "POST /redis/v0/databases/{store}/credentials_rotation", handle: change(usableStore, rotateCredentials)},
	{pattern: "POST /redis/v0/databases/{store}/stats/reset", handle: change(usableStore, resetStoreStats)},
	{pattern: "POST /redis/v0/databases/{store}/upgrade", handle: change(usableStore, upgradeStore)},
	{pattern: "GET /redis/v0/databases/{store}/maintenance", handle: show(legacyStore, getLegacyMaintenance)},
	{pattern: "POST /redis/v0/databases/{store}/maintenance", handle: with(legacyStore, runMaintenance)},
	{pattern: "PUT /redis/v0/databases/{store}/maintenance_window", handle: change(legacyStore, setLegacyWindow)},

	{pattern: "GET /data/maintenances/v1/{store}", handle: show(maintenanceStore, getMaintenance)},
	{pattern: "GET /data/maintenances/v1/{store}/{noun}", handle: getMaintenanceNoun},
	{pattern: "GET /data/maintenances/v1/{store}/{noun}/{$}", handle: getMaintenanceNoun},
	{pattern: "POST /data/maintenances/v1/{store}/window", handle: change(maintenanceStore, setWindow)},
	{pattern: "POST /data/maintenances/v1/{store}/run", handle: with(maintenanceStore, runMaintenance)},
	{pattern: "POST /data/maintenances/v1/{store}/schedule", handle: change(maintenanceStore, scheduleMaintenance)},
}

// handleTeamNoun serves both /teams/{team}/members and the like, and /teams/apps/{app}: a ServeMux rejects these patterns as ambiguous.
func handleTeamNoun(c *call) (any, error) {
	if c.PathValue("team") == "apps" {
		c.SetPathValue("app", c.PathValue("noun"))
		if c.Method == http.MethodPatch {
			return change(pathAppToChange, updateTeamApp)(c)
		}
		return show(pathTeamApp, teamAppBody)(c)
	}
	handle, ok := map[string]handler{
		"GET apps":                   with(pathTeam, listTeamApps),
		"GET available-generations":  with(pathTeam, listTeamGenerations),
		"GET allowed-addon-services": with(pathTeam, listNothing),
		"GET features":               with(pathTeam, listTeamFeatures),
		"GET invitations":            with(pathTeam, listNothing),
		"GET addons":                 with(pathTeam, listTeamAddOns),
		"GET members":                with(pathTeam, listTeamMembers),
		"GET spaces":                 with(pathTeam, listTeamSpaces),
		"PATCH members":              change(teamToManage, setTeamMember),
	}[c.Method+" "+c.PathValue("noun")]
	if !ok {
		return nil, errNoEndpoint
	}
	return handle(c)
}
