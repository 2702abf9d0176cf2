// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// A moved block turns an object in the state of heroku/heroku or davidji99/herokux into one of ours, of which nothing is sent
// to Heroku. Terraform asks for that before any provider is configured, so that only what the former state says is known:
// the new state gets what identifies the object, and Read fills in the rest. Whatever else the former state holds is left
// behind, since much of it is secret. The types are told by their names, whatever the address of their provider is, and
// attributes by their names in any version of the former schema.

var (
	_ resource.ResourceWithMoveState = (*appResource)(nil)
	_ resource.ResourceWithMoveState = (*attachmentResource)(nil)
	_ resource.ResourceWithMoveState = (*formationResource)(nil)
	_ resource.ResourceWithMoveState = (*instanceResource)(nil)
	_ resource.ResourceWithMoveState = (*maintenanceWindowResource)(nil)
	_ resource.ResourceWithMoveState = (*privateSpaceResource)(nil)
	_ resource.ResourceWithMoveState = (*spaceAppAccessResource)(nil)
	_ resource.ResourceWithMoveState = (*trustedRangesResource)(nil)
	_ resource.ResourceWithMoveState = (*trustedRangeResource)(nil)
)

// formerState is an object in the state of another provider.
type formerState map[string]any

// text is the first of these attributes that the object has.
func (f formerState) text(names ...string) string {
	for _, name := range names {
		if text, ok := f[name].(string); ok && text != "" {
			return text
		}
	}
	return ""
}

// option is an entry of the map `config`, which was a list of maps once.
func (f formerState) option(name string) string {
	maps, ok := f["config"].([]any)
	if !ok {
		maps = []any{f["config"]}
	}
	for _, options := range maps {
		if options, ok := options.(map[string]any); ok {
			if text, ok := options[name].(string); ok {
				return text
			}
		}
	}
	return ""
}

// successors are the resources that a moved block may lead to.
var successors = map[string]string{
	"heroku_addon":                     "kvs_instance",
	"heroku_addon_attachment":          "kvs_attachment",
	"heroku_app":                       appType,
	"heroku_formation":                 formationType,
	"heroku_space":                     spaceType,
	"heroku_space_app_access":          spaceAppAccessType,
	"heroku_space_inbound_ruleset":     "kvs_trusted_ip_ranges",
	"herokux_redis_maintenance_window": "kvs_maintenance_window",
	"herokux_shield_private_space":     spaceType,
}

// unsucceeded are those to which nothing here corresponds, and what to do with them.
var unsucceeded = map[string]string{
	"herokux_redis_config": "The settings of a store are attributes of its kvs_instance: timeout, maxmemory_policy and " +
		"notify_keyspace_events, in which \"\" says what \"disabled\" said. Write them there, and let go of this " +
		"object, with a removed block in place of the moved one:\n\n" +
		"removed {\n  from = herokux_redis_config.example # its address\n  lifecycle {\n    destroy = false\n  }\n}",
}

// movers are what MoveState of a resource returns: move makes its state of a former one of these types.
func movers(target string, move func(former formerState, put func(attribute string, value any)) diag.Diagnostics) []resource.StateMover {
	return []resource.StateMover{{StateMover: func(ctx context.Context, req resource.MoveStateRequest, resp *resource.MoveStateResponse) {
		defer recoverPanic(&resp.Diagnostics, "Moving a state", nil)
		if successors[req.SourceTypeName] != target {
			resp.Diagnostics.Append(refuseMove(req.SourceTypeName, target)...)
			return
		}
		former := formerState{}
		if err := json.Unmarshal(req.SourceRawState.JSON, &former); err != nil || former.text("id") == "" {
			resp.Diagnostics.AddError("The former state cannot be read", fmt.Sprintf(
				"What the state has as a %s is no object with an id. Run `terraform apply -refresh-only` with its own "+
					"provider first, or import the object instead.",
				req.SourceTypeName))
			return
		}
		resp.Diagnostics.Append(resp.TargetPrivate.SetKey(ctx, movedUnread, []byte("true"))...)
		resp.Diagnostics.Append(move(former, func(attribute string, value any) {
			resp.Diagnostics.Append(resp.TargetState.SetAttribute(ctx, path.Root(attribute), value)...)
		})...)
	}}}
}

// refuseMove is empty for types of which nothing is known: Terraform refuses these itself.
func refuseMove(from, to string) diag.Diagnostics {
	if successor := successors[from]; successor != "" {
		return diag.Diagnostics{diag.NewErrorDiagnostic("The moved block leads to another kind of resource", fmt.Sprintf(
			"A %s becomes a %s, and not a %s: correct the address in the moved block.", from, successor, to))}
	}
	if way := unsucceeded[from]; way != "" {
		return diag.Diagnostics{diag.NewErrorDiagnostic("Nothing here corresponds to the former resource", fmt.Sprintf(
			"A %s cannot become a %s. %s", from, to, way))}
	}
	return nil
}

func (r *instanceResource) MoveState(context.Context) []resource.StateMover {
	return movers("kvs_instance", func(former formerState, put func(string, any)) diag.Diagnostics {
		plan := former.text("plan")
		if service, _, _ := strings.Cut(plan, ":"); service != keyvalue.Service {
			return diag.Diagnostics{diag.NewErrorDiagnostic("Not a Key-Value Store", fmt.Sprintf(
				"heroku_addon %s has the plan %q: only an add-on of the service %s becomes a kvs_instance. "+
					"Remove its moved block, and leave it to its own provider.", cmp.Or(former.text("name"), former.text("id")), plan, keyvalue.Service))}
		}
		put("id", former.text("id"))
		put("name", former.text("name"))
		put("deletion_protection", true)
		if version := former.option("version"); validateVersion(version) == nil {
			put("version", version)
		}
		return nil
	})
}

func (r *attachmentResource) MoveState(context.Context) []resource.StateMover {
	return movers("kvs_attachment", func(former formerState, put func(string, any)) diag.Diagnostics {
		put("id", former.text("id"))
		put("name", former.text("name"))
		return nil
	})
}

// Early versions of heroku_app took the name for the id, and had the id in uuid.
func (r *appResource) MoveState(context.Context) []resource.StateMover {
	return movers(appType, func(former formerState, put func(string, any)) diag.Diagnostics {
		put("id", former.text("uuid", "id"))
		put("name", former.text("name"))
		return nil
	})
}

func (r *privateSpaceResource) MoveState(context.Context) []resource.StateMover {
	return movers(spaceType, func(former formerState, put func(string, any)) diag.Diagnostics {
		put("id", former.text("id"))
		put("name", former.text("name"))
		put("deletion_protection", true)
		return nil
	})
}

// The id of a heroku_space_inbound_ruleset is that of the ruleset, which changes with it, and its space is an id or a name.
func (r *trustedRangesResource) MoveState(context.Context) []resource.StateMover {
	return movers("kvs_trusted_ip_ranges", func(former formerState, put func(string, any)) diag.Diagnostics {
		put("id", former.text("space"))
		put("space_id", former.text("space"))
		put("on_destroy", onDestroyKeep)
		return nil
	})
}

// No resource of the other providers is a single range.
func (r *trustedRangeResource) MoveState(context.Context) []resource.StateMover {
	return movers(rangeType, func(formerState, func(string, any)) diag.Diagnostics { return nil })
}

func (r *maintenanceWindowResource) MoveState(context.Context) []resource.StateMover {
	return movers("kvs_maintenance_window", func(former formerState, put func(string, any)) diag.Diagnostics {
		put("id", former.text("redis_id", "id"))
		put("instance_id", former.text("redis_id", "id"))
		return nil
	})
}

// The id of a heroku_space_app_access is that of the user, and its space is an id or a name.
func (r *spaceAppAccessResource) MoveState(context.Context) []resource.StateMover {
	return movers(spaceAppAccessType, func(former formerState, put func(string, any)) diag.Diagnostics {
		m := spaceAppAccessModel{SpaceID: types.StringValue(former.text("space")), Email: newEmailAddress(former.text("email"))}
		put("id", m.key())
		put("space_id", m.SpaceID)
		put("email", m.Email)
		return nil
	})
}

// The id of a heroku_formation is that of the process type, or its name; early versions have the name of the app in app.
func (r *formationResource) MoveState(context.Context) []resource.StateMover {
	return movers(formationType, func(former formerState, put func(string, any)) diag.Diagnostics {
		m := formationModel{AppID: types.StringValue(former.text("app_id", "app")), Type: types.StringValue(former.text("type"))}
		put("id", m.key())
		put("app_id", m.AppID)
		put("type", m.Type)
		return nil
	})
}

// movedUnread, in the private state, says that an object has been moved and not been read since, so that nothing is known of
// it. With -refresh=false it would be planned as if everything about it changed.
const movedUnread = "moved_unread"

// refuseUnread refuses a plan for an object that has been moved and not been read.
func refuseUnread(ctx context.Context, private interface {
	GetKey(context.Context, string) ([]byte, diag.Diagnostics)
}) diag.Diagnostics {
	unread, diags := private.GetKey(ctx, movedUnread)
	if len(unread) > 0 {
		diags.AddError("The moved object has not been read yet",
			"Its former state says too little to plan from. Plan without -refresh=false.")
	}
	return diags
}

// identify makes an id of the name that early versions of the other providers kept in its place.
func identify(id *types.String, find func(name string) (string, error)) error {
	if keyvalue.IsUUID(id.ValueString()) {
		return nil
	}
	found, err := find(id.ValueString())
	if err == nil {
		*id = types.StringValue(found)
	}
	return err
}

func (c *connection) identifyApp(ctx context.Context, id *types.String) error {
	return identify(id, func(name string) (string, error) {
		app, err := c.client.FindApp(ctx, name)
		return string(app.ID), err
	})
}

func (c *connection) identifyStore(ctx context.Context, id *types.String) error {
	return identify(id, func(name string) (string, error) {
		addOn, err := c.client.FindAddOn(ctx, name)
		if err == nil && addOn.Service != keyvalue.Service {
			err = fmt.Errorf("the add-on %s belongs to the service %s, and not to %s", addOn.Name, addOn.Service, keyvalue.Service)
		}
		return string(addOn.ID), err
	})
}

func (c *connection) identifySpace(ctx context.Context, id *types.String) error {
	return identify(id, func(name string) (string, error) {
		space, err := c.client.FindSpace(ctx, name)
		return string(space.ID), err
	})
}
