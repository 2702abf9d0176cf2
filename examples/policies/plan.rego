# What the policies read of a plan: the output of `terraform show -json PLANFILE` or `tofu show -json PLANFILE`.
package kvs

import rego.v1

# What the organisation decides, given as data under the name `change` (opa --data, conftest --data).
defaults := {
	"reference": null, # of the approved change, for what a plan has no values of: what is destroyed
	"monthly_limit": 10000, # US dollars, for all stores of the plan
	"caches": [], # addresses of stores whose keys may be dropped
	"windows": {}, # by the name of an app: {"from": RFC 3339, "to": RFC 3339}, when it may restart
	"releases": {"6.2": "2024-12-02", "7.0": "2025-12-31", "7.2": "2026-12-31"}, # when Heroku ends the life of a version
	"notice_days": 120, # before that
}

# Not every value is known while a plan is judged. Each rule says what follows from that: mostly that it denies.
setting(name) := value if {
	value := data.change[name]
} else := defaults[name]

now := time.parse_rfc3339_ns(setting_now) if {
	setting_now := data.change.now
} else := time.now_ns()

changes contains c if {
	some c in input.resource_changes
	c.mode == "managed"
	startswith(c.type, "kvs_")
	c.change.actions != ["no-op"]
	c.change.actions != ["read"]
}

stores contains c if {
	some c in changes
	c.type == "kvs_instance"
}

destroys(c) if "delete" in c.change.actions

# The value of an attribute that is planned; not there while it is unknown.
planned(c, attribute) := value if {
	value := c.change.after[attribute]
	not unknown(c, attribute)
}

unknown(c, attribute) if c.change.after_unknown[attribute] == true

# A part of the impact.
impact(c, part) := value if {
	value := c.change.after.impact[part]
	not impact_unknown(c, part)
}

impact_unknown(c, _) if c.change.after_unknown.impact == true

impact_unknown(c, part) if c.change.after_unknown.impact[part] == true

referenced(c) if {
	reference := impact(c, "reference")
	reference != null
}

referenced(_) if setting("reference") != null

# Every resource that there is after the plan, in all modules.
resources contains r if {
	walk(object.get(input, ["planned_values", "root_module"], {}), [_, r])
	is_object(r)
	r.mode == "managed"
}
