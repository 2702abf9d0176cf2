// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// withServers marks the stories in which one server copies another.
const withServers = ", with real servers"

func engineOf(story string) func(*sandbox.Options) {
	return func(o *sandbox.Options) {
		if strings.HasSuffix(story, withServers) {
			o.Engine = "auto"
		}
	}
}

// stories are lives of each kind of object, with the errors that a refused request in them may end in.
var stories = map[string]struct {
	tell func(*front)
	ends []string
}{
	"a fork" + withServers: {func(f *front) {
		app, source, copied := f.resource("kvs_app"), f.resource("kvs_instance"), f.resource("kvs_instance")
		app.apply(values{"name": "orders-api"})
		source.apply(values{"name": "acme-cache", "app_id": app.get("id"), "plan": "premium-0"})
		f.begin()
		copied.apply(values{"name": "acme-copy", "app_id": app.get("id"), "plan": "premium-0", "fork": values{"instance_id": source.get("id")}})
	}, []string{
		"Key-Value Store is not ready yet",
		"The fork could not be verified",
		"Unable to create Key-Value Store",
		"Unable to find Key-Value Store",
		"Unable to read the source of the fork",
	}},
	"a replacement" + withServers: {func(f *front) {
		app, other, store := f.resource("kvs_app"), f.resource("kvs_app"), f.resource("kvs_instance")
		app.apply(values{"name": "orders-api"})
		other.apply(values{"name": "orders-web"})
		of := values{"name": "acme-cache", "app_id": app.get("id"), "plan": "premium-0", "deletion_protection": false}
		store.apply(of)
		f.begin()
		of["app_id"] = other.get("id")
		of["migration"] = values{"app_maintenance": true}
		store.apply(of)
	}, []string{
		"Unable to finish the replacement of Key-Value Store",
		"Unable to move the attachments of Key-Value Store",
		"Unable to read Key-Value Store",
		"Unable to read the app of the Key-Value Store",
		"Unable to read the settings of Key-Value Store",
		"Unable to replace Key-Value Store",
		"Unable to retire Key-Value Store",
		"Unable to verify the copy of Key-Value Store",
	}},
	"an app": {func(f *front) {
		app := f.resource("kvs_app")
		f.begin()
		app.apply(values{"name": "orders-api", "maintenance": true})
		app.refresh()
		app.apply(values{"name": "orders-web", "maintenance": false})
		f.imports("kvs_app", "orders-web")
		f.reads("kvs_app", values{"name": "orders-web"})
		app.apply(nil)
	}, []string{
		"The app was created without its maintenance mode",
		"Unable to create app",
		"Unable to destroy app",
		"Unable to find app",
		"Unable to import app",
		"Unable to read app",
		"Unable to update app",
	}},
	"a store": {func(f *front) {
		app, store := f.resource("kvs_app"), f.resource("kvs_instance")
		app.apply(values{"name": "orders-api"})
		f.begin()
		of := values{"name": "acme-cache", "app_id": app.get("id"), "plan": "premium-0", "timeout": 60}
		store.apply(of)
		store.refresh()
		of["plan"], of["name"], of["timeout"] = "premium-1", "acme-store", 90
		store.apply(of)
		f.imports("kvs_instance", "orders-api::REDIS")
		f.reads("kvs_instance", values{"name": "acme-store"})
		f.reads("kvs_instance", values{"app_id": app.get("id"), "attachment_name": "REDIS"})
		f.reads("kvs_usage", values{"instance_id": store.get("id")})
		f.reads("kvs_maintenance", values{"instance_id": store.get("id")})
		f.reads("kvs_maintenance", values{"app_id": app.get("id")})
		f.opens("kvs_credentials", values{"instance_id": store.get("id")})
		f.opens("kvs_credentials", values{"app_id": app.get("id"), "attachment_name": "REDIS"})
		of["deletion_protection"] = false
		store.apply(of)
		store.apply(nil)
	}, []string{
		"Key-Value Store is not ready yet",
		"Unable to change Key-Value Store",
		"Unable to create Key-Value Store",
		"Unable to destroy Key-Value Store",
		"Unable to detach",
		"Unable to find Key-Value Store",
		"Unable to find the attachment",
		"Unable to finish the change of Key-Value Store",
		"Unable to read Key-Value Store",
		"Unable to read credentials",
		"Unable to read the maintenance of Key-Value Store",
		"Unable to read the maintenances of app",
		"Unable to read the settings of Key-Value Store",
	}},
	"an attachment": {func(f *front) {
		app, one, other := f.resource("kvs_app"), f.resource("kvs_instance"), f.resource("kvs_instance")
		app.apply(values{"name": "orders-api"})
		one.apply(values{"name": "acme-one", "app_id": app.get("id"), "plan": "premium-0", "deletion_protection": false})
		other.apply(values{"name": "acme-other", "app_id": app.get("id"), "plan": "premium-0", "deletion_protection": false})
		attachment := f.resource("kvs_attachment")
		f.begin()
		attachment.apply(values{"app_id": app.get("id"), "instance_id": one.get("id"), "name": "CACHE"})
		attachment.refresh()
		attachment.apply(values{"app_id": app.get("id"), "instance_id": other.get("id"), "name": "CACHE"})
		f.imports("kvs_attachment", attachment.get("id"))
		f.imports("kvs_attachment", "orders-api::CACHE")
		attachment.apply(nil)
	}, []string{
		"Unable to attach",
		"Unable to detach",
		"Unable to import attachment",
		"Unable to keep the former store attached",
		"Unable to read attachment",
	}},
	"a space": {func(f *front) {
		space, ranges := f.resource("kvs_private_space"), f.resource("kvs_trusted_ip_ranges")
		of := values{"name": "acme-prod", "team": "acme", "deletion_protection": false}
		f.begin()
		space.apply(of)
		space.refresh()
		of["name"] = "acme-live"
		space.apply(of)
		f.imports("kvs_private_space", "acme-live")
		f.reads("kvs_private_space", values{"name": "acme-live"})
		trusted := func(range_ string) values {
			return values{"space_id": space.get("id"), "ranges": values{range_: values{"description": "office"}}, "on_destroy": "open"}
		}
		ranges.apply(trusted("192.0.2.0/24"))
		ranges.refresh()
		ranges.apply(trusted("198.51.100.0/24"))
		f.imports("kvs_trusted_ip_ranges", "acme-live")
		app, store := f.resource("kvs_app"), f.resource("kvs_instance")
		app.apply(values{"name": "orders-api", "space_id": space.get("id")})
		store.apply(values{"app_id": app.get("id"), "deletion_protection": false})
		store.apply(nil)
		app.apply(nil)
		ranges.apply(nil)
		space.apply(nil)
	}, []string{
		"Key-Value Store is not ready yet",
		"Private Space is not ready yet",
		"The store keeps the name of its order",
		"The trusted IP ranges are not in force yet",
		"The trusted IP ranges are set, but not in force yet",
		"Unable to change Private Space",
		"Unable to choose a plan for the Key-Value Store",
		"Unable to create Key-Value Store",
		"Unable to create Private Space",
		"Unable to create app",
		"Unable to destroy Key-Value Store",
		"Unable to destroy Private Space",
		"Unable to destroy app",
		"Unable to find Private Space",
		"Unable to finish the change of Private Space",
		"Unable to read Private Space",
		"Unable to read the outbound addresses of Private Space",
		"Unable to read the space of the app",
		"Unable to read the trusted IP ranges",
		"Unable to read what is in the Private Space",
		"Unable to set the trusted IP ranges",
	}},
	"a range of a space": {func(f *front) {
		space, one := f.resource("kvs_private_space"), f.resource("kvs_trusted_ip_range")
		of := values{"name": "acme-prod", "team": "acme", "deletion_protection": false}
		space.apply(of)
		f.begin()
		trusted := func(range_ string) values {
			return values{"space_id": space.get("id"), "range": range_, "closes_space": true}
		}
		one.apply(trusted("192.0.2.0/24"))
		one.refresh()
		one.apply(trusted("198.51.100.0/24"))
		f.imports("kvs_trusted_ip_range", "acme-prod:198.51.100.0/24")
		one.apply(nil)
	}, []string{
		"Changes of somebody else may be lost",
		"The trusted IP range is not in force yet",
		"The trusted IP range is removed, but may still be in force",
		"The trusted IP range is set, but not in force yet",
		"Unable to change the trusted IP ranges of the space",
		"Unable to find Private Space",
		"Unable to read the trusted IP range",
	}},
	"a store outside of its space": {func(f *front) {
		space, app, store := f.resource("kvs_private_space"), f.resource("kvs_app"), f.resource("kvs_instance")
		space.apply(values{"name": "acme-prod", "team": "acme"})
		app.apply(values{"name": "orders-api", "space_id": space.get("id")})
		f.begin()
		store.apply(values{"name": "acme-cache", "app_id": app.get("id"), "plan": "premium-0", "attachment_name": "CACHE", "outside_space": true})
	}, []string{
		"Key-Value Store is not ready yet",
		"Unable to create Key-Value Store",
		"Unable to read the app of the Key-Value Store",
		"Unable to read the names of the app's config vars",
	}},
	"a maintenance of apps that rest": {func(f *front) {
		app, store := f.resource("kvs_app"), f.resource("kvs_instance")
		app.apply(values{"name": "orders-api", "maintenance": true})
		store.apply(values{"name": "acme-cache", "app_id": app.get("id"), "plan": "premium-0"})
		f.due("acme-cache")
		f.begin()
		f.invokes("kvs_run_maintenance", values{"instance_id": store.get("id")})
	}, []string{
		"Unable to put the apps back",
		"Unable to read Key-Value Store",
		"Unable to read an app that the store is attached to",
		"Unable to read the attachments of Key-Value Store",
		"Unable to run the maintenance of Key-Value Store",
	}},
	"a maintenance window": {func(f *front) {
		app, store, window := f.resource("kvs_app"), f.resource("kvs_instance"), f.resource("kvs_maintenance_window")
		app.apply(values{"name": "orders-api"})
		store.apply(values{"app_id": app.get("id"), "plan": "premium-0", "deletion_protection": false, "name": "acme-cache"})
		f.begin()
		window.apply(values{"instance_id": store.get("id"), "day": "sunday", "time": "13:30"})
		window.refresh()
		window.apply(values{"instance_id": store.get("id"), "day": "monday", "time": "13:30"})
		f.imports("kvs_maintenance_window", "acme-cache")
		window.apply(nil)
	}, []string{
		"Unable to find Key-Value Store",
		"Unable to read the maintenance window",
		"Unable to set the maintenance window",
	}},
	"the permissions of a member": {func(f *front) {
		space, access := f.resource("kvs_private_space"), f.resource("kvs_space_app_access")
		space.apply(values{"name": "acme-prod", "team": "acme"})
		f.begin()
		of := values{"space_id": space.get("id"), "email": "member@acme.example"}
		access.apply(of)
		access.refresh()
		of["permissions"] = []tftypes.Value{}
		access.apply(of)
		delete(of, "permissions")
		access.apply(of)
		f.imports("kvs_space_app_access", "acme-prod:member@acme.example")
		access.apply(nil)
	}, []string{
		"Unable to find Private Space",
		"Unable to import the permissions of the member",
		"Unable to read the permissions of the member",
		"Unable to set the permissions of the member",
		"Unable to take away the permissions of the member",
	}},
	"the dynos of an app": {func(f *front) {
		app, formation := f.resource("kvs_app"), f.resource("kvs_formation")
		app.apply(values{"name": "orders-api"})
		f.begin()
		formation.apply(values{"app_id": app.get("id"), "type": "web", "quantity": 2})
		formation.refresh()
		formation.apply(values{"app_id": app.get("id"), "type": "web", "quantity": 3, "size": "Standard-2X"})
		f.imports("kvs_formation", "orders-api:web")
		formation.apply(nil)
	}, []string{
		"Unable to import the process type",
		"Unable to read the process type",
		"Unable to scale the process type",
	}},
	"catalogues": {func(f *front) {
		f.begin()
		f.reads("kvs_plans", nil)
		f.reads("kvs_regions", nil)
	}, []string{
		"Unable to list plans",
		"Unable to list regions",
	}},
	"actions": {func(f *front) {
		app, store := f.resource("kvs_app"), f.resource("kvs_instance")
		app.apply(values{"name": "orders-api"})
		store.apply(values{"name": "acme-cache", "app_id": app.get("id"), "plan": "premium-0", "deletion_protection": false})
		id := values{"instance_id": store.get("id")}
		f.begin()
		f.invokes("kvs_reset_stats", id)
		f.invokes("kvs_rotate_credentials", id)
		f.due("acme-cache")
		f.invokes("kvs_schedule_maintenance", values{"instance_id": store.get("id"), "in_weeks": 1})
		f.invokes("kvs_run_maintenance", values{"instance_id": store.get("id"), "app_maintenance": true, "scale_down": true})
		f.invokes("kvs_upgrade_version", values{"instance_id": store.get("id"), "version": "8.0", "when": "now", "app_maintenance": true})
		f.invokes("kvs_set_app_maintenance", values{"app_id": app.get("id"), "maintenance": true})
	}, []string{
		"Unable to keep the apps still",
		"Unable to put the apps back",
		"Unable to read Key-Value Store",
		"Unable to read the attachments of Key-Value Store",
		"Unable to reset the statistics of Key-Value Store",
		"Unable to rotate the credentials of Key-Value Store",
		"Unable to run the maintenance of Key-Value Store",
		"Unable to schedule the maintenance of Key-Value Store",
		"Unable to switch the maintenance mode of the app",
		"Unable to upgrade the version of Key-Value Store",
	}},
}

// No request of any story can be refused without that it is said, unless it is a read that is not needed after all.
func TestEveryRefusalIsTold(t *testing.T) {
	t.Parallel()
	for name, story := range stories {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var ends []string
			unmet := 0
			whole := newFront(t, "", engineOf(name))
			if story.tell(whole); whole.over() {
				t.Fatalf("the story ends with %v", whole.said[len(whole.said)-1])
			}
			for _, request := range whole.refuser.seen {
				f := newFront(t, request, engineOf(name))
				if story.tell(f); f.refuser.refused == "" {
					unmet++ // one poll less, or a list in place of two reads
					continue
				}
				told := slices.ContainsFunc(f.said, func(d *tfprotov6.Diagnostic) bool { return strings.Contains(d.Detail, refusal) })
				if harmless := strings.HasPrefix(f.refuser.refused, "GET ") && !f.over(); !told && !harmless {
					t.Errorf("%s was refused, and nobody says so, but: %v", f.refuser.refused, summariesOf(f.said))
				}
				for _, d := range f.said {
					if strings.Contains(d.Detail, refusal) && !slices.Contains(ends, d.Summary) {
						ends = append(ends, d.Summary)
					}
				}
			}
			if unmet > len(whole.refuser.seen)/10 {
				t.Errorf("%d of %d requests were not sent again", unmet, len(whole.refuser.seen))
			}
			slices.Sort(ends)
			if !slices.Equal(ends, story.ends) {
				t.Errorf("the refusals end in %s", fmt.Sprintf("%q", ends))
			}
		})
	}
}

func summariesOf(said []*tfprotov6.Diagnostic) (all []string) {
	for _, d := range said {
		summary, _, _ := strings.Cut(d.Summary, ": ") // what follows names the object
		all = append(all, summary)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
