# Requires that a Shield Space is open to known networks only.
package kvs

import rego.v1

shield_spaces contains r if {
	some r in resources
	r.type == "kvs_private_space"
	r.values.shield == true
}

# Ranges belong to a Shield Space if space_id is its id. A planned space has no id yet, so the ranges may belong to any planned space.
of_shield(c) if {
	some space in shield_spaces
	space.values.id == planned(c, "space_id")
}

of_shield(c) if {
	unknown(c, "space_id")
	count(shield_spaces) > 0
}

range_changes contains c if {
	some c in changes
	c.type in {"kvs_trusted_ip_ranges", "kvs_trusted_ip_range"}
	not destroys(c)
	of_shield(c)
}

# A plan that does not change the ranges leaves an open space open.
sets[r.address] := ranges_with(r) if {
	some r in resources
	some space in shield_spaces
	space.values.id == r.values.space_id
}

# The space is only planned.
sets[c.address] := ranges_with({"type": c.type, "values": c.change.after}) if some c in range_changes

ranges_with(r) := {cidr | some cidr, _ in r.values.ranges} if r.type == "kvs_trusted_ip_ranges"

# A single range is checked together with all other ranges of the same space in the plan.
ranges_with(r) := {other.values.range |
	some other in resources
	other.type == "kvs_trusted_ip_range"
	object.get(other.values, "space_id", null) == object.get(r.values, "space_id", null)
} if r.type == "kvs_trusted_ip_range"

# No office has more than 65536 addresses.
widest := 16

deny contains msg if {
	some address, ranges in sets
	some cidr in net.cidr_merge(ranges) # two halves make up the whole internet
	to_number(split(cidr, "/")[1]) < widest
	msg := sprintf("%s: %s is open to more than 65536 addresses of the internet in a Shield Space", [address, cidr])
}

deny contains msg if {
	some c in range_changes
	some attribute in {"ranges", "range"}
	unknown(c, attribute)
	msg := sprintf("%s: the ranges of a Shield Space are known only after apply", [c.address])
}

# A set of ranges replaces 0.0.0.0/0, which a new space trusts; a single range does so only with closes_space.
guards(r) if r.type == "kvs_trusted_ip_ranges"

guards(r) if {
	r.type == "kvs_trusted_ip_range"
	r.values.closes_space == true
}

guarded(space) if {
	some r in resources
	guards(r)
	r.values.space_id == space.values.id
}

# A new space trusts the whole internet until its ranges are set.
guarded(space) if {
	not space.values.id
	planned_ranges := {r.address |
		some r in resources
		guards(r)
		not r.values.space_id
	}
	new_spaces := {s.address | some s in shield_spaces; not s.values.id}
	count(planned_ranges) >= count(new_spaces)
}

deny contains msg if {
	some space in shield_spaces
	not guarded(space)
	msg := sprintf("%s: a Shield Space without kvs_trusted_ip_ranges, and without a range that closes it, trusts the whole internet", [space.address])
}

# An expired range is denied even if the plan does not change it.
deny contains msg if {
	some r in resources
	r.type == "kvs_trusted_ip_range"
	r.values.expires_at != null
	time.parse_rfc3339_ns(r.values.expires_at) <= now
	msg := sprintf("%s: %s was needed until %s: remove it, or set a later time", [r.address, r.values.range, r.values.expires_at])
}
