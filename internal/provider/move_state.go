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

// A moved block turns an object in the state of heroku/heroku or davidji99/herokux into an object of this provider. Terraform calls
// MoveState before any provider is configured, so only the former state is known, and nothing is sent to Heroku: the new state gets
// what identifies the object, and Read fills in the rest. Other values of the former state are dropped, since many of them are
// secret. Resource types are matched by name, whatever the address of their provider, and attributes by name, in any version of
// the former schema.

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

// text returns the first of these attributes that is a string and not empty.
func (f formerState) text(names ...string) string {
	for _, name := range names {
		if text, ok := f[name].(string); ok && text != "" {
			return text
		}
	}
	return ""
}

// option returns an entry of the map `config`, which is a list of maps in early versions.
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

// successors maps each former resource type to the one that a moved block may turn it into.
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

// withoutSuccessor maps each former resource type that has no counterpart here to what to do with its objects.
var withoutSuccessor = map[string]string{
	"herokux_redis_config": "The settings of a store are attributes of its kvs_instance: timeout, maxmemory_policy and " +
		"notify_keyspace_events, in which \"\" says what \"disabled\" said. Write them there, and let go of this " +
		"object, with a removed block in place of the moved one:\n\n" +
		"removed {\n  from = herokux_redis_config.example # its address\n  lifecycle {\n    destroy = false\n  }\n}",
}

// stateMovers returns the result of MoveState for the resource type target. move puts the attributes of a former object into the
// new state.
func stateMovers(
	target string, move func(former formerState, put func(attribute string, value any)) diag.Diagnostics,
) []resource.StateMover {
	return []resource.StateMover{{StateMover: func(ctx context.Context, req resource.MoveStateRequest, resp *resource.MoveStateResponse) {
		defer recoverPanic(&resp.Diagnostics, "Moving a state", nil)
		if successors[req.SourceTypeName] != target {
			resp.Diagnostics.Append(refuseMove(req.SourceTypeName, target)...)
			return
		}
		former := formerState{}
		if err := json.Unmarshal(req.SourceRawState.JSON, &former); err != nil || former.text("id") == "" {
			resp.Diagnostics.AddError("The former state cannot be read", fmt.Sprintf(
				"The state of the %s is not an object with an id. Run `terraform apply -refresh-only` with its own provider first, or import the "+
					"object instead.",
				req.SourceTypeName))
			return
		}
		resp.Diagnostics.Append(resp.TargetPrivate.SetKey(ctx, movedUnread, []byte("true"))...)
		resp.Diagnostics.Append(move(former, func(attribute string, value any) {
			resp.Diagnostics.Append(resp.TargetState.SetAttribute(ctx, path.Root(attribute), value)...)
		})...)
	}}}
}

// refuseMove explains why an object cannot become one of type to. It is empty for other types, which Terraform refuses itself.
func refuseMove(from, to string) diag.Diagnostics {
	if successor := successors[from]; successor != "" {
		return diag.Diagnostics{diag.NewErrorDiagnostic("The moved block leads to another kind of resource", fmt.Sprintf(
			"A %s becomes a %s, and not a %s: correct the address in the moved block.", from, successor, to))}
	}
	if way := withoutSuccessor[from]; way != "" {
		return diag.Diagnostics{diag.NewErrorDiagnostic("Nothing here corresponds to the former resource", fmt.Sprintf(
			"A %s cannot become a %s. %s", from, to, way))}
	}
	return nil
}

func (r *instanceResource) MoveState(context.Context) []resource.StateMover {
	return stateMovers("kvs_instance", func(former formerState, put func(string, any)) diag.Diagnostics {
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
	return stateMovers("kvs_attachment", func(former formerState, put func(string, any)) diag.Diagnostics {
		put("id", former.text("id"))
		put("name", former.text("name"))
		return nil
	})
}

// MoveState reads uuid first: early versions of heroku_app kept the name of the app in id and its UUID in uuid.
func (r *appResource) MoveState(context.Context) []resource.StateMover {
	return stateMovers(appType, func(former formerState, put func(string, any)) diag.Diagnostics {
		put("id", former.text("uuid", "id"))
		put("name", former.text("name"))
		return nil
	})
}

func (r *privateSpaceResource) MoveState(context.Context) []resource.StateMover {
	return stateMovers(spaceType, func(former formerState, put func(string, any)) diag.Diagnostics {
		put("id", former.text("id"))
		put("name", former.text("name"))
		put("deletion_protection", true)
		return nil
	})
}

// MoveState reads the space, an id or a name: the id of a heroku_space_inbound_ruleset is that of the ruleset, and changes with it.
func (r *trustedRangesResource) MoveState(context.Context) []resource.StateMover {
	return stateMovers("kvs_trusted_ip_ranges", func(former formerState, put func(string, any)) diag.Diagnostics {
		put("id", former.text("space"))
		put("space_id", former.text("space"))
		put("on_destroy", onDestroyKeep)
		return nil
	})
}

// MoveState accepts no type: the other providers have no resource for a single range.
func (r *trustedRangeResource) MoveState(context.Context) []resource.StateMover {
	return stateMovers(rangeType, func(formerState, func(string, any)) diag.Diagnostics { return nil })
}

func (r *maintenanceWindowResource) MoveState(context.Context) []resource.StateMover {
	return stateMovers("kvs_maintenance_window", func(former formerState, put func(string, any)) diag.Diagnostics {
		put("id", former.text("redis_id", "id"))
		put("instance_id", former.text("redis_id", "id"))
		return nil
	})
}

// MoveState reads space and email: the id of a heroku_space_app_access is that of the user, and its space is an id or a name.
func (r *spaceAppAccessResource) MoveState(context.Context) []resource.StateMover {
	return stateMovers(spaceAppAccessType, func(former formerState, put func(string, any)) diag.Diagnostics {
		m := spaceAppAccessModel{SpaceID: types.StringValue(former.text("space")), Email: newEmailAddress(former.text("email"))}
		put("id", m.key())
		put("space_id", m.SpaceID)
		put("email", m.Email)
		return nil
	})
}

// MoveState reads the app and the type: the id of a heroku_formation is the id or the name of the process type. Early versions have
// the name of the app in app.
func (r *formationResource) MoveState(context.Context) []resource.StateMover {
	return stateMovers(formationType, func(former formerState, put func(string, any)) diag.Diagnostics {
		m := formationModel{AppID: types.StringValue(former.text("app_id", "app")), Type: types.StringValue(former.text("type"))}
		put("id", m.key())
		put("app_id", m.AppID)
		put("type", m.Type)
		return nil
	})
}

// movedUnread is a key in the private state of an object that has been moved and not been read since. With -refresh=false it
// would be planned as if every attribute changed.
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

// identify replaces the name that early versions of the other providers kept in place of an id with the id.
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
