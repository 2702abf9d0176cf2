# A Shield Space is open to known networks only.
package kvs

import rego.v1

shield_spaces contains r if {
	some r in resources
	r.type == "kvs_private_space"
	r.values.shield == true
}

# Ranges belong to a Shield Space when its id is theirs. A space that is only planned has no id yet: any one may be meant then.
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

# What is open stays open in a plan that does not change it.
sets[r.address] := ranges_with(r) if {
	some r in resources
	some space in shield_spaces
	space.values.id == r.values.space_id
}

# Of a space that is only planned.
sets[c.address] := ranges_with({"type": c.type, "values": c.change.after}) if some c in range_changes

ranges_with(r) := {cidr | some cidr, _ in r.values.ranges} if r.type == "kvs_trusted_ip_ranges"

# A single range is taken with all others of the same space that the plan knows.
ranges_with(r) := {other.values.range |
	some other in resources
	other.type == "kvs_trusted_ip_range"
	object.get(other.values, "space_id", null) == object.get(r.values, "space_id", null)
} if r.type == "kvs_trusted_ip_range"

# A range of more than 65536 addresses is nobody's office.
widest := 16

deny contains msg if {
	some address, ranges in sets
	some cidr in net.cidr_merge(ranges) # two halves are the whole internet
	to_number(split(cidr, "/")[1]) < widest
	msg := sprintf("%s: %s is open to more than 65536 addresses of the internet in a Shield Space", [address, cidr])
}

deny contains msg if {
	some c in range_changes
	some attribute in {"ranges", "range"}
	unknown(c, attribute)
	msg := sprintf("%s: the ranges of a Shield Space are known only after apply", [c.address])
}

# A set of ranges replaces the whole internet that a new space trusts; a single range does so only where it says so.
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

# A range that was needed for a while only, also one that the plan does not change.
deny contains msg if {
	some r in resources
	r.type == "kvs_trusted_ip_range"
	r.values.expires_at != null
	time.parse_rfc3339_ns(r.values.expires_at) <= now
	msg := sprintf("%s: %s was needed until %s: remove it, or set a later time", [r.address, r.values.range, r.values.expires_at])
}
