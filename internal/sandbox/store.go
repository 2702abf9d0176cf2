// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// store is the part of an add-on that the Data API shows.
type store struct {
	Plan         keyvalue.PlanName // the add-on's former plan while a plan change copies the data
	Version      string            // full: "7.2.4"
	Settings     serverSettings
	Fork         *fork  `json:",omitempty"` // until the copy is complete
	Busy         string `json:",omitempty"` // busyFork, busyUpgrade, busyVersion, busyMaintenance, busyFailover
	Server       string // names the server's directory
	Password     string
	Host         string // of its server; "" until the server is ready
	Port         int
	PrivateHost  string    `json:",omitempty"` // the host in the URL of a store in a space
	StandbyAt    time.Time // when its standby is ready, if its plan has one
	Formation    string    // id of the formation, which the API shows
	Primary      string    // id of the primary, which the API shows
	WindowDay    time.Weekday
	WindowFrom   int           // minutes since midnight, UTC
	Maintenances []maintenance `json:",omitempty"` // oldest first
}

const (
	busyFork        = "fork"    // the store is provisioned, but the copy is not complete
	busyUpgrade     = "upgrade" // plan change
	busyVersion     = "version" // version upgrade
	busyMaintenance = "maintenance"
	busyFailover    = "failover"
)

// versions maps the version in a request to the full version (Dev Center: Heroku Key-Value Store, version support).
var versions = map[string]string{"7.0": "7.0.15", "7.2": "7.2.4", "8.0": "8.0.2"}

const defaultVersion = "7.2"

func fullVersion(s string) (string, bool) {
	full, ok := versions[s]
	return full, ok || slices.Contains(slices.Collect(maps.Values(versions)), s)
}

func (w *world) newStore(plan keyvalue.Plan) store {
	defaults := keyvalue.DefaultSettings()
	window := w.randomWindow()
	return store{
		Plan:    plan.Name,
		Version: versions[defaultVersion],
		Settings: serverSettings{
			Timeout:              defaults.Timeout,
			MaxmemoryPolicy:      string(defaults.MaxmemoryPolicy),
			NotifyKeyspaceEvents: defaults.NotifyKeyspaceEvents.String(),
		},
		Server:     w.uuid(),
		Password:   w.password(),
		Formation:  w.uuid(),
		Primary:    w.uuid(),
		WindowDay:  window.day,
		WindowFrom: window.minute,
	}
}

// address returns the host and port in the store's URL.
func (s store) address() (host string, port int) {
	if s.PrivateHost != "" {
		return s.PrivateHost, privatePort
	}
	return s.Host, s.Port
}

// url returns the value of the store's config vars. The user is h, as in Heroku's URLs.
func (s store) url() string {
	host, port := s.address()
	return fmt.Sprintf("rediss://h:%s@%s:%d", s.Password, host, port)
}

// busy returns the error for a request that is refused because the store is being changed.
func (s store) busy(name string) error {
	what := map[string]string{busyFork: "a fork", busyUpgrade: "a plan upgrade", busyVersion: "a version upgrade",
		busyMaintenance: "a maintenance", busyFailover: "a failover"}[s.Busy]
	return unprocessable("%s is in the middle of %s. Please wait for it to finish and try again.", name, what)
}

// store finds a store by id or name.
func (w *world) store(ref string) *addOn {
	if a := find(w.AddOns, ref, (*addOn).name); a != nil && a.isStore() {
		return a
	}
	return nil
}

// pathStore finds the add-on in the path by id or name. A new add-on is not found until Options.DataAPIDelay has passed.
func pathStore(c *call) (*addOn, error) {
	a := c.w.store(c.PathValue("store"))
	unknown := refuse(http.StatusNotFound, "not_found", "Add-on not found")
	if a == nil || a.State == stateDeprovisioning || a.State == stateDeprovisioned || c.now.Before(a.CreatedAt.Add(c.s.options.DataAPIDelay)) {
		return nil, unknown
	}
	if !c.w.mayChange(c.user, c.w.Apps[a.App]) {
		return nil, refuse(http.StatusForbidden, "forbidden", "You do not have access to %s.", a.Name)
	}
	return a, nil
}

func beingProvisioned(a *addOn) error {
	return unprocessable("%s is being provisioned. Please try again later.", a.Name)
}

// usableStore finds the add-on in the path, and fails while its store is being created or changed.
func usableStore(c *call) (*addOn, error) {
	a, err := pathStore(c)
	switch {
	case err != nil:
		return nil, err
	case a.State == stateProvisioning:
		return nil, beingProvisioned(a)
	case a.Store.Busy != "":
		return nil, a.Store.busy(a.Name)
	}
	return a, nil
}

func (a *addOn) status() string {
	switch {
	case a.Store.Fork != nil:
		return "Preparing (fork in progress)"
	case a.State == stateProvisioning:
		return "Preparing"
	case a.Store.Busy == busyUpgrade:
		return "Preparing (upgrade in progress)"
	case a.Store.Busy == busyVersion:
		return "Upgrading version"
	case a.Store.Busy == busyMaintenance:
		return "Maintenance running"
	}
	return "Available"
}

func getStore(c *call, a *addOn) object {
	st, info := a.Store, []object{}
	plan := planByName(st.Plan)
	row := func(name, value string) { info = append(info, object{"name": name, "values": []string{value}}) }
	row("Plan", humanPlan(st.Plan))
	row("Status", a.status())
	row("Created", a.CreatedAt.UTC().Format("2006-01-02 15:04 UTC"))
	var primary, port, url, version any // null while the store is being provisioned
	if a.State == stateProvisioned {
		primary, url, version = st.Primary, st.url(), st.Version
		_, port = st.address()
		if st.Busy == "" {
			row("Version", st.Version) // Heroku omits it while the store is being changed
		}
	}
	row("Timeout", strconv.Itoa(st.Settings.Timeout))
	row("Maxmemory", st.Settings.MaxmemoryPolicy)
	row("Maintenance", st.maintenanceRow())
	if plan.MaintenanceWindow {
		row("Maintenance window", st.window().String())
	}
	row("Persistence", plan.Persistence)
	if plan.HighAvailability {
		row("HA Status", map[bool]string{true: "Available", false: "Preparing"}[a.State == stateProvisioned && !c.now.Before(st.StandbyAt)])
	}
	row("Requires TLS", "Yes")
	row("Keyspace Notifications", cmp.Or(st.Settings.NotifyKeyspaceEvents, "Disabled"))
	row("Plan Connection Limit", strconv.Itoa(plan.ConnectionLimit))
	return object{
		"addon_id": a.ID, "name": a.Name, "plan": string(st.Plan), "created_at": dataStamp(a.CreatedAt),
		"formation": object{"id": st.Formation, "primary": primary}, "metaas_source": "heroku-redis-" + a.ID[:8],
		"port": port, "resource_url": url, "version": version, "prefer_native_tls": true, "info": info,
	}
}

func getStoreWait(_ *call, a *addOn) object {
	message := "available"
	switch {
	case a.Store.Busy == busyVersion:
		message = "upgrading version"
	case a.Store.Busy == busyMaintenance:
		message = "maintenance_running"
	case a.State == stateProvisioning || a.Store.Busy != "":
		message = "preparing"
	}
	return object{"message": message, "waiting?": message != "available"}
}

func rotateCredentials(c *call, a *addOn, _ struct{}) (any, error) {
	c.w.addEvent(event{Kind: credentialsRotated, AddOn: a.ID, Due: c.now.Add(c.s.options.Rotation), Password: c.w.password()})
	return object{"message": "Rotating credentials."}, nil
}

func resetStoreStats(c *call, a *addOn, _ struct{}) (any, error) {
	c.w.addEvent(event{Kind: statsReset, AddOn: a.ID, Due: c.now})
	return object{"message": "Stats reset successful."}, nil
}

func compareVersions(a, b string) int {
	return slices.CompareFunc(strings.Split(a, "."), strings.Split(b, "."), compareKeys)
}

func upgradeStore(c *call, a *addOn, in struct {
	Version string `json:"version"`
}) (any, error) {
	full, ok := fullVersion(in.Version)
	if !ok {
		return nil, unprocessable("Version %q is not available. Use one of %s.",
			in.Version, strings.Join(slices.Sorted(maps.Keys(versions)), ", "))
	}
	if compareVersions(full, a.Store.Version) <= 0 {
		return nil, unprocessable("%s runs version %s already, and versions cannot be lowered.", a.Name, a.Store.Version)
	}
	if !a.hasMaintenance() {
		c.w.addEvent(event{Kind: versionUpgraded, AddOn: a.ID, Due: c.now, Version: full})
		return object{"message": fmt.Sprintf("%s is being upgraded to version %s.", a.Name, in.Version)}, nil
	}
	if m := a.Store.openMaintenance(); m != nil {
		return nil, unprocessable("%s has a maintenance already, which is %s. Run it first.", a.Name, m.Status)
	}
	a.Store.Busy = busyVersion
	c.s.prepareMaintenance(a, maintenance{Method: "changeover", Reason: "customer_request", Version: full}, c.now)
	return object{"message": fmt.Sprintf("Your Redis version is being upgraded to %s. The system is preparing a maintenance. "+
		"Once the maintenance is ready you can run it with `heroku data:maintenances:run %s`, or it runs in the maintenance window.",
		in.Version, a.Name)}, nil
}
