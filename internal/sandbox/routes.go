// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import "net/http"

// routes of both APIs, in the order of the nouns' files.
var routes = []route{
	{pattern: "GET /account", handle: getAccount},
	{pattern: "GET /account/rate-limits", handle: getRateLimit, free: true},
	{pattern: "GET /users/{user}", handle: getUser},
	{pattern: "GET /users/{user}/apps", handle: listUserApps},

	{pattern: "GET /teams", handle: listTeams},
	{pattern: "POST /teams", handle: createTeam},
	{pattern: "GET /enterprise-accounts/{enterprise}/teams", handle: listEnterpriseTeams},
	{pattern: "GET /teams/{team}", handle: getTeam},
	{pattern: "GET /teams/{team}/{noun}", handle: handleTeamNoun},
	{pattern: "PATCH /teams/{team}/{noun}", handle: handleTeamNoun},
	{pattern: "PUT /teams/{team}/members", handle: setTeamMember},
	{pattern: "POST /teams/{team}/members", handle: setTeamMember},
	{pattern: "DELETE /teams/{team}/members/{member}", handle: deleteTeamMember},

	{pattern: "GET /spaces", handle: listSpaces},
	{pattern: "POST /spaces", handle: createSpace},
	{pattern: "GET /spaces/{space}", handle: getSpace},
	{pattern: "PATCH /spaces/{space}", handle: updateSpace},
	{pattern: "DELETE /spaces/{space}", handle: deleteSpace},
	{pattern: "POST /spaces/{space}/transfer", handle: transferSpace},
	{pattern: "GET /spaces/{space}/nat", handle: getSpaceNAT},
	{pattern: "GET /spaces/{space}/topology", handle: getSpaceTopology},
	{pattern: "GET /spaces/{space}/dynos", handle: listSpaceDynos},
	{pattern: "GET /spaces/{space}/log-drain", handle: getSpaceLogDrain},
	{pattern: "PUT /spaces/{space}/log-drain", handle: setSpaceLogDrain},
	{pattern: "GET /spaces/{space}/inbound-ruleset", handle: getRuleset},
	{pattern: "PUT /spaces/{space}/inbound-ruleset", handle: setRuleset},
	{pattern: "GET /spaces/{space}/inbound-rulesets", handle: listRulesets},
	{pattern: "GET /spaces/{space}/inbound-rulesets/{ruleset}", handle: getOldRuleset},
	{pattern: "GET /spaces/{space}/members", handle: listSpaceMembers},
	{pattern: "GET /spaces/{space}/members/{member}", handle: getSpaceMember},
	{pattern: "PATCH /spaces/{space}/members/{member}", handle: updateSpaceMember},

	{pattern: "GET /regions", handle: listRegions, public: true},
	{pattern: "GET /regions/{region}", handle: getRegion, public: true},
	{pattern: "GET /addon-services", handle: listServices, public: true},
	{pattern: "GET /addon-services/{service}", handle: getService, public: true},
	{pattern: "GET /addon-services/{service}/plans", handle: listPlans, public: true},
	{pattern: "GET /addon-services/{service}/plans/{plan}", handle: getPlan, public: true},
	{pattern: "GET /plans", handle: listPlans, public: true},
	{pattern: "GET /plans/{plan}", handle: getPlan, public: true},

	{pattern: "GET /apps", handle: listApps},
	{pattern: "POST /apps", handle: createApp},
	{pattern: "GET /apps/{app}", handle: getApp},
	{pattern: "PATCH /apps/{app}", handle: updateApp},
	{pattern: "DELETE /apps/{app}", handle: deleteApp},
	{pattern: "POST /teams/apps", handle: createTeamApp},
	{pattern: "GET /apps/{app}/collaborators", handle: listCollaborators},
	{pattern: "GET /apps/{app}/dynos", handle: listDynos},
	{pattern: "GET /apps/{app}/pipeline-couplings", handle: getPipelineCoupling},
	{pattern: "POST /apps/{app}/log-sessions", handle: createLogSession, query: true},

	{pattern: "GET /apps/{app}/config-vars", handle: getConfigVars},
	{pattern: "PATCH /apps/{app}/config-vars", handle: updateConfigVars},
	{pattern: "GET /apps/{app}/releases", handle: listReleases},
	{pattern: "GET /apps/{app}/releases/{release}", handle: getRelease},
	{pattern: "GET /apps/{app}/formation", handle: listFormation},
	{pattern: "PATCH /apps/{app}/formation", handle: updateFormation},
	{pattern: "GET /apps/{app}/formation/{process}", handle: getProcess},
	{pattern: "PATCH /apps/{app}/formation/{process}", handle: updateProcess},

	{pattern: "GET /addons", handle: listAddOns},
	{pattern: "GET /addons/{addon}", handle: getAddOn},
	{pattern: "GET /addons/{addon}/config", handle: getAddOnConfig},
	{pattern: "GET /addons/{addon}/addon-attachments", handle: listAddOnAttachments},
	{pattern: "GET /apps/{app}/addons", handle: listAppAddOns},
	{pattern: "POST /apps/{app}/addons", handle: createAddOn},
	{pattern: "GET /apps/{app}/addons/{addon}", handle: getAppAddOn},
	{pattern: "PATCH /apps/{app}/addons/{addon}", handle: updateAddOn},
	{pattern: "DELETE /apps/{app}/addons/{addon}", handle: deleteAddOn},
	{pattern: "POST /actions/addons/resolve", handle: resolveAddOn, query: true},

	{pattern: "GET /addon-attachments", handle: listAttachments},
	{pattern: "POST /addon-attachments", handle: createAttachment},
	{pattern: "GET /addon-attachments/{attachment}", handle: getAttachment},
	{pattern: "DELETE /addon-attachments/{attachment}", handle: deleteAttachment},
	{pattern: "GET /apps/{app}/addon-attachments", handle: listAppAttachments},
	{pattern: "GET /apps/{app}/addon-attachments/{attachment}", handle: getAppAttachment},
	{pattern: "POST /actions/addon-attachments/resolve", handle: resolveAttachment, query: true},

	{pattern: "GET /redis/v0/databases/{store}", handle: getStore},
	{pattern: "GET /redis/v0/databases/{store}/config", handle: getStoreConfig},
	{pattern: "PATCH /redis/v0/databases/{store}/config", handle: updateStoreConfig},
	{pattern: "GET /redis/v0/databases/{store}/wait", handle: getStoreWait},
	{pattern: "POST /redis/v0/databases/{store}/credentials_rotation", handle: rotateCredentials},
	{pattern: "POST /redis/v0/databases/{store}/stats/reset", handle: resetStoreStats},
	{pattern: "POST /redis/v0/databases/{store}/upgrade", handle: upgradeStore},
	{pattern: "GET /redis/v0/databases/{store}/maintenance", handle: getLegacyMaintenance},
	{pattern: "POST /redis/v0/databases/{store}/maintenance", handle: runLegacyMaintenance},
	{pattern: "PUT /redis/v0/databases/{store}/maintenance_window", handle: setLegacyWindow},

	{pattern: "GET /data/maintenances/v1/{store}", handle: getMaintenance},
	{pattern: "GET /data/maintenances/v1/{store}/{noun}", handle: getMaintenanceNoun},
	{pattern: "GET /data/maintenances/v1/{store}/{noun}/{$}", handle: getMaintenanceNoun},
	{pattern: "POST /data/maintenances/v1/{store}/window", handle: setWindow},
	{pattern: "POST /data/maintenances/v1/{store}/run", handle: runMaintenance},
	{pattern: "POST /data/maintenances/v1/{store}/schedule", handle: scheduleMaintenance},
}

// handleTeamNoun tells /teams/{team}/members and the like from /teams/apps/{app}, which no ServeMux can.
func handleTeamNoun(c *call) (int, any, error) {
	if c.PathValue("team") == "apps" {
		c.SetPathValue("app", c.PathValue("noun"))
		if c.Method == http.MethodPatch {
			return updateTeamApp(c)
		}
		return getTeamApp(c)
	}
	handle, ok := map[string]handler{
		"GET apps":      listTeamApps,
		"GET addons":    listTeamAddOns,
		"GET members":   listTeamMembers,
		"GET spaces":    listTeamSpaces,
		"PATCH members": setTeamMember,
	}[c.Method+" "+c.PathValue("noun")]
	if !ok {
		return 0, nil, errNoEndpoint
	}
	return handle(c)
}
