# The parts of a plan that the policies read. The input is the output of `terraform show -json PLANFILE` or `tofu show -json PLANFILE`.
package kvs

import rego.v1

# The defaults of the organisation's settings. Override them with data under the name `change` (opa --data, conftest --data).
defaults := {
	"reference": null, # of the approved change; needed for a destroy, which has no values in the plan
	"monthly_limit": 10000, # in US dollars, for all stores in the plan
	"caches": [], # addresses of stores whose keys may be dropped
	"windows": {}, # when an app may restart, by its name: {"from": RFC 3339, "to": RFC 3339}
	"releases": {"6.2": "2024-12-02", "7.0": "2025-12-31", "7.2": "2026-12-31"}, # end of life of each version
	"notice_days": 120, # days before the end of life
}

# Not every value is known in a plan. Each rule defines what it does with an unknown value; most rules deny the plan.
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

# The planned value of an attribute; undefined while it is unknown.
planned(c, attribute) := value if {
	value := c.change.after[attribute]
	not unknown(c, attribute)
}

unknown(c, attribute) if c.change.after_unknown[attribute] == true

# A part of the impact; undefined while it is unknown.
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

# Every resource that exists after the plan, in all modules.
resources contains r if {
	walk(object.get(input, ["planned_values", "root_module"], {}), [_, r])
	is_object(r)
	r.mode == "managed"
}
