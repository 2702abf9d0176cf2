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
	c.type == "kvs_trusted_ip_ranges"
	of_shield(c)
}

# What is open stays open in a plan that does not change it.
sets[r.address] := r.values.ranges if {
	some r in resources
	r.type == "kvs_trusted_ip_ranges"
	some space in shield_spaces
	space.values.id == r.values.space_id
}

# Of a space that is only planned.
sets[c.address] := planned(c, "ranges") if some c in range_changes

# The ranges together: two halves are the whole internet.
together(ranges) := net.cidr_merge({cidr | some cidr, _ in ranges})

# A range of more than 65536 addresses is nobody's office.
widest := 16

deny contains msg if {
	some address, ranges in sets
	some cidr in together(ranges)
	to_number(split(cidr, "/")[1]) < widest
	msg := sprintf("%s: %s is open to more than 65536 addresses of the internet in a Shield Space", [address, cidr])
}

deny contains msg if {
	some c in range_changes
	unknown(c, "ranges")
	msg := sprintf("%s: the ranges of a Shield Space are known only after apply", [c.address])
}

guarded(space) if {
	some r in resources
	r.type == "kvs_trusted_ip_ranges"
	r.values.space_id == space.values.id
}

# A new space trusts the whole internet until its ranges are set.
guarded(space) if {
	not space.values.id
	planned_ranges := {r.address |
		some r in resources
		r.type == "kvs_trusted_ip_ranges"
		not r.values.space_id
	}
	new_spaces := {s.address | some s in shield_spaces; not s.values.id}
	count(planned_ranges) >= count(new_spaces)
}

deny contains msg if {
	some space in shield_spaces
	not guarded(space)
	msg := sprintf("%s: a Shield Space without kvs_trusted_ip_ranges trusts the whole internet", [space.address])
}
