# Tests each rule with a plan that it allows, a plan that it denies, and unknown values.
package kvs_test

import rego.v1

import data.kvs

change(address, before, after, after_unknown) := {
	"address": address, "mode": "managed", "type": split(address, ".")[0],
	"change": {"actions": actions(before, after), "before": before, "after": after, "after_unknown": after_unknown},
}

actions(before, _) := ["create"] if before == null

actions(before, after) := ["delete"] if {
	before != null
	after == null
}

actions(before, after) := ["update"] if {
	before != null
	after != null
}

# A plan with changes, and with the resources that exist after it.
plan(changes, resources) := {"resource_changes": changes, "planned_values": {"root_module": {"resources": resources}}}

resource(address, values) := {"address": address, "mode": "managed", "type": split(address, ".")[0], "values": values}

quiet := {
	"method": "settings", "data": "kept", "url_changes": "no", "restarts": [], "interruption": "none", "irreversible": false,
	"price_before": 1100, "price_after": 1100, "admits": [], "shuts_out": [], "reference": null,
}

with_impact(values) := {"plan": "shield-7", "maxmemory_policy": "noeviction", "deletion_protection": true, "impact": object.union(quiet, values)}

store := "kvs_instance.cache"

of_store(values) := plan([change(store, with_impact({}), with_impact(values), {})], [])

none := plan([], [])

test_nothing_changes if {
	count(kvs.deny) == 0 with input as none
	count(kvs.warn) == 0 with input as none
}

test_settings if count(kvs.deny) == 0 with input as of_store({})

test_data_loss if {
	some msg in kvs.deny with input as of_store({"data": "lost", "method": "plan_in_place"})
	contains(msg, "keys may be lost (plan_in_place)")
}

test_data_loss_with_a_reference if count(kvs.deny) == 0 with input as of_store({"data": "lost", "reference": "CHG0000001"})

test_data_loss_with_a_reference_from_elsewhere if {
	count(kvs.deny) == 0 with input as of_store({"data": "lost"}) with data.change as {"reference": "CHG0000001"}
}

test_data_unknown if {
	unknown := plan([change(store, with_impact({}), {"plan": "shield-7"}, {"impact": true})], [])
	some msg in kvs.deny with input as unknown
	contains(msg, "known only after apply")
	count(kvs.deny) == 0 with input as unknown with data.change as {"reference": "CHG0000001"}
}

test_store_destroyed if {
	destroyed := plan([change(store, with_impact({}), null, {})], [])
	some msg in kvs.deny with input as destroyed
	contains(msg, "no change reference is given")
	some shield in kvs.deny with input as destroyed with data.change as {"reference": "CHG0000001"}
	contains(shield, "which cannot be filled again")
	common := plan([change(store, object.union(with_impact({}), {"plan": "premium-0"}), null, {})], [])
	count(kvs.deny) == 0 with input as common with data.change as {"reference": "CHG0000001"}
}

test_protection if {
	off := plan([change(store, with_impact({}), object.union(with_impact({}), {"deletion_protection": false}), {})], [])
	some msg in kvs.deny with input as off
	contains(msg, "deletion protection is switched off")
}

test_eviction if {
	dropping := plan([], [resource(store, {"maxmemory_policy": "allkeys-lru", "monthly_price": 15})])
	some msg in kvs.deny with input as dropping
	contains(msg, "under allkeys-lru keys are dropped")
	count(kvs.deny) == 0 with input as dropping with data.change as {"caches": [store]}
	later := plan([change(store, with_impact({}), {"plan": "premium-0"}, {"maxmemory_policy": true})], [])
	some unknown in kvs.deny with input as later
	contains(unknown, "known only after apply")
}

shield_space := resource("kvs_private_space.prod", {"id": "a1", "shield": true})

ranges(cidrs) := {"space_id": "a1", "ranges": {cidr: {} | some cidr in cidrs}}

of_ranges(cidrs) := plan(
	[change("kvs_trusted_ip_ranges.prod", ranges(["192.0.2.0/24"]), ranges(cidrs), {})],
	[shield_space, resource("kvs_trusted_ip_ranges.prod", ranges(cidrs))],
)

test_ranges if count(kvs.deny) == 0 with input as of_ranges(["192.0.2.0/24", "198.51.100.0/24"])

test_every_open_set_is_found if {
	every cidrs in [["0.0.0.0/0"], ["0.0.0.0/1", "128.0.0.0/1"], ["192.0.2.0/24", "10.0.0.0/8"], ["10.0.0.0/16", "10.1.0.0/16"]] {
		some msg in kvs.deny with input as of_ranges(cidrs)
		contains(msg, "is open to more than 65536 addresses")
	}
}

test_ranges_of_another_space if {
	open := plan([change("kvs_trusted_ip_ranges.dev", null, {"space_id": "b2", "ranges": {"0.0.0.0/0": {}}}, {})], [])
	count(kvs.deny) == 0 with input as open
}

test_ranges_unknown if {
	unknown := plan(
		[change("kvs_trusted_ip_ranges.prod", null, {}, {"space_id": true, "ranges": true})],
		[resource("kvs_private_space.prod", {"shield": true}), resource("kvs_trusted_ip_ranges.prod", {})],
	)
	count(kvs.deny) == 1 with input as unknown
	some msg in kvs.deny with input as unknown
	contains(msg, "known only after apply")
}

one_range(address, values) := resource(address, object.union({"space_id": "a1", "range": "192.0.2.0/24", "closes_space": true, "expires_at": null}, values))

of_range(values, others) := plan(
	[change("kvs_trusted_ip_range.office", null, object.union({"space_id": "a1", "range": "192.0.2.0/24"}, values), {})],
	array.concat([shield_space, one_range("kvs_trusted_ip_range.office", values)], others),
)

test_one_range if count(kvs.deny) == 0 with input as of_range({}, [])

test_one_range_that_is_open if {
	some msg in kvs.deny with input as of_range({"range": "0.0.0.0/1"}, [])
	contains(msg, "is open to more than 65536 addresses")
	halves := of_range({"range": "10.0.0.0/16"}, [one_range("kvs_trusted_ip_range.other", {"range": "10.1.0.0/16"})])
	some together in kvs.deny with input as halves
	contains(together, "10.0.0.0/15")
	elsewhere := of_range({"range": "10.0.0.0/16"}, [one_range("kvs_trusted_ip_range.other", {"space_id": "b2", "range": "10.1.0.0/16"})])
	count(kvs.deny) == 0 with input as elsewhere
}

test_one_range_unknown if {
	unknown := plan(
		[change("kvs_trusted_ip_range.office", null, {"space_id": "a1"}, {"range": true})],
		[shield_space, one_range("kvs_trusted_ip_range.other", {})],
	)
	some msg in kvs.deny with input as unknown
	contains(msg, "known only after apply")
}

test_one_range_closes_the_space if {
	some msg in kvs.deny with input as of_range({"closes_space": null}, [])
	contains(msg, "without a range that closes it")
	count(kvs.deny) == 0 with input as of_range({"closes_space": null}, [one_range("kvs_trusted_ip_range.other", {})])
}

test_one_range_removed if {
	removed := plan([change("kvs_trusted_ip_range.office", {"space_id": "a1", "range": "0.0.0.0/1"}, null, {})], [])
	count(kvs.deny) == 0 with input as removed
}

test_range_expired if {
	fair := plan([], [one_range("kvs_trusted_ip_range.fair", {"expires_at": "2026-01-14T00:00:00Z"}), shield_space])
	some msg in kvs.deny with input as fair with data.change as {"now": "2026-01-14T00:00:00Z"}
	contains(msg, "192.0.2.0/24 was needed until 2026-01-14T00:00:00Z")
	count(kvs.deny) == 0 with input as fair with data.change as {"now": "2026-01-13T23:59:59Z"}
}

test_space_without_ranges if {
	some msg in kvs.deny with input as plan([], [shield_space])
	contains(msg, "without kvs_trusted_ip_ranges")
	new_space := plan([], [resource("kvs_private_space.prod", {"shield": true})])
	count(kvs.deny) == 1 with input as new_space
	common := plan([], [resource("kvs_private_space.dev", {"id": "b2", "shield": false})])
	count(kvs.deny) == 0 with input as common
}

test_cost if {
	dear := plan(
		[change(store, with_impact({}), with_impact({"price_after": 9000}), {})],
		[resource(store, {"monthly_price": 9000}), resource("kvs_instance.other", {"monthly_price": 1100})],
	)
	some msg in kvs.deny with input as dear
	contains(msg, "cost $10100 a month")
	count(kvs.deny) == 0 with input as dear with data.change as {"monthly_limit": 10100}
}

test_cost_of_two_stores_that_are_both_kept if {
	both := plan([change(store, with_impact({}), with_impact({"price_after": 10100}), {})], [resource(store, {"monthly_price": 9000})])
	count(kvs.deny) == 1 with input as both
}

test_cost_unknown if {
	unpublished := plan([change(store, with_impact({}), with_impact({"price_after": null}), {})], [resource(store, {"monthly_price": null})])
	some msg in kvs.warn with input as unpublished
	contains(msg, "not published")
}

restart := {"restarts": ["orders-api"], "interruption": "brief", "method": "plan_in_place"}

window := {"windows": {"orders-api": {"from": "2026-01-14T02:00:00Z", "to": "2026-01-14T04:00:00Z"}}}

test_restart if {
	some msg in kvs.deny with input as of_store(restart)
	contains(msg, "the app orders-api restarts")
	within := object.union(window, {"now": "2026-01-14T03:00:00Z"})
	count(kvs.deny) == 0 with input as of_store(restart) with data.change as within
	late := object.union(window, {"now": "2026-01-14T04:00:00Z"})
	count(kvs.deny) == 1 with input as of_store(restart) with data.change as late
}

test_restart_of_unknown_apps if {
	some msg in kvs.deny with input as of_store(object.union(restart, {"restarts": null}))
	contains(msg, "not known which")
}

test_transfer if {
	moved := plan([change("kvs_private_space.dev", {"shield": false}, {"shield": false, "impact": object.union(quiet, {"method": "transfer"})}, {})], [])
	some msg in kvs.deny with input as moved
	contains(msg, "transferred to another team")
}

running(version) := plan([], [resource(store, {"monthly_price": 15, "version_actual": version})])

test_version if {
	day := {"now": "2026-01-14T00:00:00Z"}
	count(kvs.deny) == 0 with input as running("7.2.4") with data.change as day
	count(kvs.warn) == 0 with input as running("7.2.4") with data.change as day
	count(kvs.deny) == 1 with input as running("7.0.15") with data.change as day
	count(kvs.warn) == 1 with input as running("9.1.0") with data.change as day
	count(kvs.deny) == 0 with input as plan([], [resource(store, {"monthly_price": 15})]) with data.change as day
	count(kvs.warn) == 1 with input as running("7.2.4") with data.change as {"now": "2026-12-01T00:00:00Z"}
}

# Plans from the provider, some of them after manual changes, and the messages that the rules give.
said[policy][kind] := messages if {
	some policy, kinds in data.fixtures
	some kind, fixture in kinds
	messages := kvs.deny with input as fixture.plan with data.change as fixture.decided
}

test_real_plans if {
	count(data.fixtures) > 10
	every policy, kinds in data.fixtures {
		every kind, fixture in kinds {
			as_expected(said[policy][kind], fixture.denied)
		}
	}
}

as_expected(messages, "") if count(messages) == 0

as_expected(messages, denied) if {
	denied != ""
	some message in messages
	contains(message, denied)
}
