// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package faultmatrix

import (
	"strings"
	"testing"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// Changes by people and other tools beside Terraform.

// beside runs something with a client of somebody else.
func beside(does func(*Harness, *heroku.Client) error) func(*Harness) {
	return func(l *Harness) {
		l.T.Helper()
		if err := does(l, l.Client(l.T)); err != nil {
			l.T.Fatal(err)
		}
	}
}

// withStore is beside with the store orders-cache.
func withStore(does func(*Harness, *heroku.Client, heroku.AddOn) error) func(*Harness) {
	return beside(func(l *Harness, c *heroku.Client) error {
		addOn, err := c.FindAddOn(l.T.Context(), "orders-cache")
		if err != nil {
			return err
		}
		return does(l, c, addOn)
	})
}

// withSpace is beside with the space acme-prod.
func withSpace(does func(*Harness, *heroku.Client, heroku.Space) error) func(*Harness) {
	return beside(func(l *Harness, c *heroku.Client) error {
		found, err := c.FindSpace(l.T.Context(), "acme-prod")
		if err != nil {
			return err
		}
		return does(l, c, found)
	})
}

func TestAccOutside(t *testing.T) {
	t.Parallel()
	shared := webApp + apiApp + store() + attachment
	experiments := map[string][]Experiment{
		"app": {
			{Name: "the name is somebody else's", Config: webApp, Exit: 1, Says: "An app with this name exists already",
				Outside: beside(func(l *Harness, c *heroku.Client) error {
					_, err := c.CreateApp(l.T.Context(), heroku.AppCreate{Name: "orders-web"})
					return err
				}), Repair: func(l *Harness) { l.Import() }},
			{Name: "deleted by hand", Before: webApp, Config: webApp, Outside: beside(func(l *Harness, c *heroku.Client) error {
				app, err := c.FindApp(l.T.Context(), "orders-web")
				if err != nil {
					return err
				}
				return c.DeleteApp(l.T.Context(), app.ID)
			})},
			{Name: "renamed by hand", Kind: changed, Before: webApp, Config: webApp,
				Outside: func(l *Harness) { l.Request("PATCH", "/apps/orders-web", `{"name":"orders-www"}`) }},
			{Name: "a refused destroy with a store that nobody manages", Before: webApp, Config: webApp, Exit: 1, RuleError: true,
				Says: "The app still owns add-ons",
				Outside: func(l *Harness) {
					l.Request("POST", "/apps/orders-web/addons", `{"plan":"heroku-redis:mini"}`)
				},
				Act: func(l *Harness) *Trial { return l.Destroy() }},
		},
		"store": {
			{Name: "the name is somebody else's", Before: webApp, Config: webApp + store(), Exit: 1, Says: "An add-on with this name exists already",
				Outside: func(l *Harness) {
					l.Request("POST", "/apps/orders-web/addons", `{"plan":"heroku-redis:premium-0","name":"orders-cache"}`)
				}, Repair: func(l *Harness) { l.Import() }},
			{Name: "deleted by hand", Before: webApp + store() + window, Config: webApp + store() + window, ExtraOrders: 1,
				Outside: func(l *Harness) {
					l.Request("DELETE", "/apps/orders-web/addons/orders-cache", `{}`)
				}},
			{Name: "deleted by hand with its attachments", Before: shared, Config: shared, ExtraOrders: 1, Outside: func(l *Harness) {
				l.Request("DELETE", "/apps/orders-web/addons/orders-cache", `{"force":true}`)
			}},
			{Name: "renamed by hand", Kind: changed, Before: webApp + store(), Config: webApp + store(), Outside: func(l *Harness) {
				l.Request("PATCH", "/apps/orders-web/addons/orders-cache", `{"name":"orders-other"}`)
			}},
			{Name: "on another plan by hand", Kind: changed, Before: webApp + store(), Config: webApp + store(), Outside: func(l *Harness) {
				l.Request("PATCH", "/apps/orders-web/addons/orders-cache", `{"plan":"heroku-redis:mini"}`)
				l.Clock().Advance(time.Hour)
			}},
			{Name: "other settings by hand", Kind: changed, Before: webApp + store(), Config: webApp + store(),
				Outside: withStore(func(l *Harness, c *heroku.Client, a heroku.AddOn) error {
					timeout, policy := 17, "allkeys-lru"
					return c.UpdateStoreConfig(l.T.Context(), a.ID, heroku.StoreConfigUpdate{Timeout: &timeout, MaxmemoryPolicy: &policy})
				})},
			{Name: "promoted away by hand", Kind: changed, Before: webApp + store(), Config: webApp + store(),
				Outside: withStore(func(l *Harness, c *heroku.Client, a heroku.AddOn) error {
					_, err := c.CreateAttachment(l.T.Context(), heroku.AttachmentCreate{AddOn: a.ID, App: a.AppID, Name: "BESIDE"})
					return err
				})},
		},
		"attachment": {
			{Name: "the name is somebody else's", Before: webApp + apiApp + store(), Config: shared, Exit: 1, RuleError: true,
				Says: "The attachment name is in use",
				Outside: func(l *Harness) {
					l.Request("POST", "/apps/orders-api/addons", `{"plan":"heroku-redis:mini","attachment":{"name":"SHARED"},"name":"api-cache"}`)
				},
				After: webApp + apiApp + store() + edited(attachment, "SHARED", "JOINT")},
			{Name: "detached by hand", Before: shared, Config: shared, Outside: beside(func(l *Harness, c *heroku.Client) error {
				found, err := c.AppAttachment(l.T.Context(), "orders-api", "SHARED")
				if err != nil {
					return err
				}
				return c.DeleteAttachment(l.T.Context(), found.ID)
			})},
		},
		"space": {
			{Name: "the name is somebody else's", Config: space(), Exit: 1, Says: "A space with this name exists already",
				Outside: func(l *Harness) { l.Request("POST", "/spaces", `{"name":"acme-prod","team":"acme"}`) },
				Repair:  func(l *Harness) { l.Import() }},
			{Name: "deleted by hand", Before: space(), Config: space(), ExtraOrders: 1,
				Outside: withSpace(func(l *Harness, c *heroku.Client, s heroku.Space) error {
					err := c.DeleteSpace(l.T.Context(), s.ID)
					l.Clock().Advance(10 * allocation)
					return err
				})},
			{Name: "transferred by hand", Kind: changed, Before: space(), Config: space(),
				Outside: withSpace(func(l *Harness, c *heroku.Client, s heroku.Space) error {
					_, err := c.TransferSpace(l.T.Context(), s.ID, "acme-data")
					return err
				})},
			{Name: "renamed by hand", Kind: changed, Before: space(), Config: space(),
				Outside: withSpace(func(l *Harness, c *heroku.Client, s heroku.Space) error {
					_, err := c.RenameSpace(l.T.Context(), s.ID, "acme-live")
					return err
				})},
		},
		"ranges": {
			{Name: "edited by hand", Before: space() + ranges, Config: space() + ranges,
				Outside: withSpace(func(l *Harness, c *heroku.Client, s heroku.Space) error {
					_, err := c.SetTrustedRanges(l.T.Context(), s.ID, []heroku.Rule{{Action: "allow", Source: "0.0.0.0/0"}})
					return err
				})},
		},
		"window": {
			{Name: "set by hand", Before: webApp + store() + window, Config: webApp + store() + window,
				Outside: withStore(func(l *Harness, c *heroku.Client, a heroku.AddOn) error {
					_, err := c.SetMaintenanceWindow(l.T.Context(), a.ID, "sunday", "02:30")
					return err
				})},
		},
		"access": {
			byHand("taken away", space()+access, permits(``)),
			{Name: "given by somebody else", Before: space(), Config: space() + access, Exit: 1, RuleError: true,
				Says: "The member has the permission already", Outside: permits(`{"name":"create_apps"}`),
				Repair: func(l *Harness) { l.Import() }},
		},
		"formation": {
			byHand("scaled", webApp+formation, sends("PATCH", "/apps/orders-web/formation/web", `{"quantity":7}`)),
		},
	}
	for resource, more := range rareExperiments() {
		for _, e := range more {
			e.Kind = "a rarer one"
			experiments[resource] = append(experiments[resource], e)
		}
	}
	runExperiments(t, experiments)
}

const changed = "changed by hand"

// sends sends a request as somebody else.
func sends(method, path, body string) func(*Harness) {
	return func(l *Harness) { l.Request(method, path, body) }
}

const theMember = "/spaces/acme-prod/members/member@acme.example"

// permits gives the member permissions, each as JSON.
func permits(permissions string) func(*Harness) {
	return sends("PATCH", theMember, `{"permissions":[`+permissions+`]}`)
}

// byHand is an experiment that changes something outside of Terraform and applies the same configuration.
func byHand(name, config string, does func(*Harness)) Experiment {
	return Experiment{Name: name + " by hand", Before: config, Config: config, Outside: does}
}

// destroyed is byHand with a destroy instead of an apply.
func destroyed(name, config string, does func(*Harness)) Experiment {
	e := byHand(name, config, does)
	e.Name += ", and destroyed"
	e.Destroyed, e.Act = true, func(l *Harness) *Trial { return l.Destroy() }
	return e
}

// meanwhile is an experiment that changes something between a plan and its apply, which is refused.
func meanwhile(name, before, after string, does func(*Harness)) Experiment {
	return Experiment{Name: name + " between plan and apply", Before: before, Config: after, Exit: 1,
		Act: func(l *Harness) *Trial {
			l.Plan("-out=saved")
			l.RecordOutside(func() { does(l) })
			return l.Record("apply", "-input=false", "-json", "saved")
		}}
}

// ruleError sets RuleError.
func ruleError(e Experiment) Experiment {
	e.RuleError = true
	return e
}

// extraOrders sets ExtraOrders.
func extraOrders(again int, e Experiment) Experiment {
	e.ExtraOrders = again
	return e
}

// largeBudget sets a Budget for polling until a space is allocated.
func largeBudget(e Experiment) Experiment {
	e.Budget = 200
	return e
}

func deletesSpace(l *Harness, c *heroku.Client, s heroku.Space) error {
	err := c.DeleteSpace(l.T.Context(), s.ID)
	l.Clock().Advance(10 * allocation)
	return err
}

// repoints attaches somebody else's store under the name of an existing attachment, as `heroku redis:promote` does.
func repoints(app, name string) func(*Harness) {
	return func(l *Harness) {
		l.Request("POST", "/apps/"+app+"/addons", `{"plan":"heroku-redis:premium-0","name":"their-cache","attachment":{"name":"THEIRS"}}`)
		l.Clock().Advance(time.Hour)
		l.Request("POST", "/addon-attachments", `{"addon":"their-cache","app":"`+app+`","name":"`+name+`","confirm":"`+app+`"}`)
	}
}

// rareExperiments returns experiments of which the short form has one for each resource.
func rareExperiments() map[string][]Experiment {
	shared := webApp + apiApp + store() + attachment
	inside := space() + edited(webApp, `"orders-web"`, "\"orders-web\"\n  space_id = kvs_private_space.prod.id")
	private := inside + edited(store(), "premium-0", "private-7")
	const inTeam = "\"orders-web\"\n  team = \"acme\""
	named := webApp + store(`attachment_name = "REDIS"`)
	ofApp := func(name string) func(*Harness) { return sends("DELETE", "/apps/"+name, "") }
	rangesSet := func(rules ...heroku.Rule) func(*Harness) {
		return withSpace(func(l *Harness, c *heroku.Client, s heroku.Space) error {
			_, err := c.SetTrustedRanges(l.T.Context(), s.ID, rules)
			return err
		})
	}
	spaceGone, storeGone := withSpace(deletesSpace), sends("DELETE", "/apps/orders-web/addons/orders-cache", `{"force":true}`)
	return map[string][]Experiment{
		"app": {
			byHand("transferred", edited(webApp, `"orders-web"`, inTeam), sends("PATCH", "/teams/apps/orders-web", `{"owner":"acme-data"}`)),
			byHand("in maintenance mode", edited(webApp, `"orders-web"`, "\"orders-web\"\n  maintenance = false"),
				sends("PATCH", "/apps/orders-web", `{"maintenance":true}`)),
			destroyed("deleted", webApp, ofApp("orders-web")),
			meanwhile("deleted", webApp, edited(webApp, "orders-web", "orders-www"), ofApp("orders-web")),
		},
		"store": {
			extraOrders(1, byHand("its app deleted", shared+window, ofApp("orders-web"))),
			extraOrders(2, largeBudget(byHand("its app and its space deleted", private, func(l *Harness) {
				ofApp("orders-web")(l)
				l.Clock().Advance(time.Hour)
				spaceGone(l)
			}))),
			byHand("its app transferred", edited(shared, `"orders-web"`, inTeam), sends("PATCH", "/teams/apps/orders-web", `{"owner":"acme-data"}`)),
			{Name: "its app transferred by hand from a person", Before: shared, Config: shared, After: edited(shared, `"orders-web"`,
				strings.ReplaceAll(inTeam, `"acme"`, `"acme-data"`)), Exit: 1, RuleError: true, Says: "An app cannot leave its team",
				Outside: sends("PATCH", "/teams/apps/orders-web", `{"owner":"acme-data"}`)},
			byHand("its app renamed", shared, sends("PATCH", "/apps/orders-web", `{"name":"orders-www"}`)),
			byHand("attached under another name", named, beside(func(l *Harness, c *heroku.Client) error {
				l.Request("POST", "/addon-attachments", `{"addon":"orders-cache","app":"orders-web","name":"BESIDE"}`)
				found, err := c.AppAttachment(l.T.Context(), "orders-web", "REDIS")
				if err != nil {
					return err
				}
				return c.DeleteAttachment(l.T.Context(), found.ID)
			})),
			{Name: "another one promoted by hand", Before: named, Config: named, After: edited(named, `"REDIS"`, `"FORMER"`), Exit: 1,
				RuleError: true, Says: "On app orders-web the name REDIS belongs to the add-on their-cache",
				Outside: func(l *Harness) {
					l.Request("POST", "/addon-attachments", `{"addon":"orders-cache","app":"orders-web","name":"FORMER"}`)
					repoints("orders-web", "REDIS")(l)
				}},
			byHand("credentials rotated", shared, withStore(func(l *Harness, c *heroku.Client, a heroku.AddOn) error {
				_, err := c.RotateCredentials(l.T.Context(), a.ID)
				return err
			})),
			destroyed("deleted", shared, storeGone),
			{Name: "deleted by hand, and out of the configuration", Before: shared + window, Config: webApp + apiApp, Outside: storeGone},
			extraOrders(1, ruleError(meanwhile("deleted", webApp+store(), webApp+store("timeout = 60"), storeGone))),
		},
		"attachment": {
			byHand("its app deleted", shared, ofApp("orders-api")),
			byHand("its app renamed", shared, sends("PATCH", "/apps/orders-api", `{"name":"orders-apis"}`)),
			byHand("re-pointed", shared, repoints("orders-api", "SHARED")),
			byHand("attached under another name", shared, beside(func(l *Harness, c *heroku.Client) error {
				found, err := c.AppAttachment(l.T.Context(), "orders-api", "SHARED")
				if err != nil {
					return err
				}
				l.Request("POST", "/addon-attachments", `{"addon":"orders-cache","app":"orders-api","name":"JOINT"}`)
				return c.DeleteAttachment(l.T.Context(), found.ID)
			})),
			destroyed("its app deleted", shared, ofApp("orders-api")),
			ruleError(meanwhile("its app deleted", shared, edited(shared, "SHARED", "JOINT"), ofApp("orders-api"))),
		},
		"space": {
			extraOrders(1, byHand("deleted with its ranges", space()+ranges, spaceGone)),
			largeBudget(byHand("transferred with what is in it", private+ranges, withSpace(func(l *Harness, c *heroku.Client, s heroku.Space) error {
				_, err := c.TransferSpace(l.T.Context(), s.ID, "acme-data")
				return err
			}))),
			largeBudget(byHand("renamed with what is in it", private+ranges, withSpace(func(l *Harness, c *heroku.Client, s heroku.Space) error {
				_, err := c.RenameSpace(l.T.Context(), s.ID, "acme-live")
				return err
			}))),
			destroyed("deleted", space()+ranges, spaceGone),
			extraOrders(1, meanwhile("deleted", space(), edited(space(), "acme-prod", "acme-live"), spaceGone)),
		},
		"ranges": {
			byHand("closed", space()+ranges, rangesSet()),
			byHand("one added", space()+ranges, rangesSet(heroku.Rule{Action: "allow", Source: "192.0.2.0/24"},
				heroku.Rule{Action: "allow", Source: "203.0.113.0/24"})),
			{Name: "their space deleted by hand, and out of the configuration", Before: space() + ranges, Config: webApp, Outside: spaceGone},
			extraOrders(1, meanwhile("their space deleted", space()+ranges, space()+edited(ranges, "192.0.2.0/24", "198.51.100.0/24"), spaceGone)),
		},
		"window": {
			byHand("its store on a plan that has none", webApp+store()+window, func(l *Harness) {
				l.Request("PATCH", "/apps/orders-web/addons/orders-cache", `{"plan":"heroku-redis:mini"}`)
				l.Clock().Advance(time.Hour)
			}),
			destroyed("its store deleted", webApp+store()+window, storeGone),
			{Name: "its store, which nobody manages, deleted by hand", Before: webApp, Config: webApp + theirWindow, After: webApp, Exit: 1,
				Outside: sends("POST", "/apps/orders-web/addons", `{"plan":"heroku-redis:premium-0","name":"orders-cache"}`),
				Act: func(l *Harness) *Trial {
					l.Clock().Advance(time.Hour)
					l.Apply()
					l.RecordOutside(func() { storeGone(l) })
					return l.Apply()
				}},
			extraOrders(1, meanwhile("its store deleted", webApp+store()+window, webApp+store()+edited(window, "Monday", "Friday"), storeGone)),
		},
		"access": {
			{Name: "the member has left the team", Before: space() + access, Config: space() + access, After: space(), Exit: 1, RuleError: true,
				Says: "The member is not in the team", Outside: sends("DELETE", "/teams/acme/members/member@acme.example", "")},
			destroyed("the member left the team", space()+access, sends("DELETE", "/teams/acme/members/member@acme.example", "")),
			{Name: "its space deleted by hand, and out of the configuration", Before: space() + access, Config: webApp, Outside: spaceGone},
		},
		"formation": {
			byHand("its app deleted", webApp+formation, ofApp("orders-web")),
			destroyed("its app deleted", webApp+formation, ofApp("orders-web")),
			ruleError(meanwhile("scaled", webApp+formation, webApp+edited(formation, "= 2", "= 3"),
				sends("PATCH", "/apps/orders-web/formation/web", `{"quantity":7}`))),
		},
	}
}

// theirWindow is the window of a store that somebody else manages.
var theirWindow = edited(window, "kvs_instance", "data.kvs_instance") + `
data "kvs_instance" "cache" {
  name = "orders-cache"
}
`

// Every resource gets every bad answer while it is refreshed, and no object is treated as gone.
func TestAccReads(t *testing.T) {
	t.Parallel()
	experiments := map[string][]Experiment{}
	for _, s := range subjects {
		for _, f := range reads {
			experiments[s.name] = append(experiments[s.name], Experiment{
				Name: "read, " + f.name, Kind: f.kind, Always: f.always, Before: s.config, Config: s.config, Exit: f.exit, Budget: 200,
				InjectedFaults: []sandbox.Fault{{Match: s.read, Do: f.do}},
				Act:            func(l *Harness) *Trial { return l.Plan() },
			})
		}
	}
	runExperiments(t, experiments)
}

var reads = []fault{
	{name: "404 of a proxy", kind: "an answer that says that it is gone",
		do: sandbox.Effect{Status: 404, Body: text(page), ContentType: "text/html"}, exit: 1, always: true},
	{name: "an empty 404", kind: "an answer that says that it is gone", do: sandbox.Effect{Status: 404, Body: text("")}, exit: 1},
	{name: "401", kind: outage, do: sandbox.Effect{Status: 401}, exit: 1},
	{name: "403", kind: outage, do: sandbox.Effect{Status: 403}, exit: 1},
	{name: "429 for good", kind: outage, do: sandbox.Effect{Status: 429}, exit: 1},
	{name: "503 for good", kind: outage, do: sandbox.Effect{Status: 503}, exit: 1},
	{name: "resets for good", kind: outage, do: sandbox.Effect{Reset: true}, exit: 1},
	{name: "a page with 200", kind: nonsense, do: sandbox.Effect{Status: 200, Body: text(page), ContentType: "text/html"}, exit: 1},
	{name: "an empty body", kind: nonsense, do: sandbox.Effect{Status: 200, Body: text("")}, exit: 1},
	{name: "null", kind: nonsense, do: sandbox.Effect{Status: 200, Body: text("null")}, exit: 1},
	{name: "an empty list", kind: nonsense, do: sandbox.Effect{Status: 200, Body: text("[]")}, exit: 1},
	{name: "another object", kind: nonsense, do: sandbox.Effect{Status: 200, Body: text(`{"id":"7c4e2a90-3b5d-4f8e-a1c6-d2e3f4a5b6c7"}`)},
		exit: 1},
	{name: "cut in the middle", kind: nonsense, do: sandbox.Effect{Commit: true, Truncate: true}, exit: 1},
	{name: "10 MB", kind: nonsense, do: faults[13].do, exit: 1},
	{name: "a redirect to another host", kind: nonsense, do: sandbox.Effect{Status: 302, Body: text(""),
		Headers: map[string]string{"Location": "http://localhost:9/elsewhere"}}, exit: 1},
	{name: "unknown fields", kind: nonsense, do: sandbox.Effect{UnknownFields: true}},
}
