# Denies the loss of data without an approved change.
package kvs

import rego.v1

deny contains msg if {
	some c in changes
	impact(c, "data") == "lost"
	not referenced(c)
	msg := sprintf("%s: keys may be lost (%s), and the plan has no change reference", [c.address, impact(c, "method")])
}

deny contains msg if {
	some c in stores
	not destroys(c)
	impact_unknown(c, "data")
	not referenced(c)
	msg := sprintf("%s: what becomes of the data is known only after apply, and the plan has no change reference", [c.address])
}

deny contains msg if {
	some c in stores
	destroys(c)
	setting("reference") == null
	msg := sprintf("%s: the store is destroyed with all its keys, and no change reference is given", [c.address])
}

deny contains msg if {
	some c in stores
	destroys(c)
	startswith(c.change.before.plan, "shield-")
	msg := sprintf("%s: a store on the plan %s is destroyed, which cannot be filled again from a copy", [c.address, c.change.before.plan])
}

deny contains msg if {
	some c in changes
	c.change.before.deletion_protection == true
	planned(c, "deletion_protection") == false
	msg := sprintf("%s: deletion protection is switched off", [c.address])
}

deny contains msg if {
	some c in changes
	c.change.before.deletion_protection == true
	unknown(c, "deletion_protection")
	msg := sprintf("%s: it is known only after apply whether deletion protection is switched off", [c.address])
}

# An eviction policy other than noeviction drops keys when the memory is full, even if this plan does not change the policy.
deny contains msg if {
	some r in resources
	r.type == "kvs_instance"
	policy := r.values.maxmemory_policy
	policy != "noeviction"
	not r.address in setting("caches")
	msg := sprintf("%s: under %s keys are dropped when the memory is full, and the store is not among the caches", [r.address, policy])
}

deny contains msg if {
	some c in stores
	unknown(c, "maxmemory_policy")
	not c.address in setting("caches")
	msg := sprintf("%s: whether keys are dropped when the memory is full is known only after apply", [c.address])
}
