# Checks the price of a change, the time of restarts, the owner of a space, and versions.
package kvs

import rego.v1

prices[r.address] := object.get(r.values, "monthly_price", null) if {
	some r in resources
	r.type == "kvs_instance"
}

# While a replaced store is kept, Heroku charges for two stores.
prices_after[address] := price if {
	some address, price in prices
	not changed_price[address]
}

prices_after[address] := price if some address, price in changed_price

changed_price[c.address] := impact(c, "price_after") if {
	some c in stores
	not destroys(c)
	impact(c, "price_after") != null
}

monthly := sum([price | some price in prices_after; price != null])

deny contains msg if {
	monthly > setting("monthly_limit")
	count(stores) > 0
	msg := sprintf("all stores together cost $%v a month, and the limit is $%v", [monthly, setting("monthly_limit")])
}

deny contains msg if {
	some c in stores
	unknown(c, "plan")
	msg := sprintf("%s: the price is known only after apply, since the plan of the store is", [c.address])
}

warn contains msg if {
	some c in stores
	not destroys(c)
	prices_after[c.address] == null
	msg := sprintf("%s: the price of the plan is not published", [c.address])
}

restarting contains [c, app] if {
	some c in changes
	some app in impact(c, "restarts")
}

in_window(app) if {
	window := setting("windows")[app]
	now >= time.parse_rfc3339_ns(window.from)
	now < time.parse_rfc3339_ns(window.to)
}

deny contains msg if {
	some [c, app] in restarting
	impact(c, "method") != "create"
	not in_window(app)
	msg := sprintf("%s: the app %s restarts, outside of its window", [c.address, app])
}

deny contains msg if {
	some c in changes
	impact(c, "interruption") != "none"
	impact(c, "restarts") == null
	msg := sprintf("%s: apps restart, and it is not known which", [c.address])
}

deny contains msg if {
	some c in changes
	c.type == "kvs_private_space"
	impact(c, "method") == "transfer"
	msg := sprintf("%s: the space is transferred to another team, with all that is in it", [c.address])
}

deny contains msg if {
	some c in changes
	c.type == "kvs_private_space"
	c.change.before.id
	unknown(c, "team")
	msg := sprintf("%s: it is known only after apply whether the space is transferred to another team", [c.address])
}

# The major and minor version that the store runs.
release(r) := concat(".", array.slice(split(r.values.version_actual, "."), 0, 2))

days_left(r) := (time.parse_ns("2006-01-02", setting("releases")[release(r)]) - now) / (24 * 60 * 60 * 1000000000)

deny contains msg if {
	some r in resources
	r.type == "kvs_instance"
	days_left(r) < 0
	msg := sprintf("%s: version %s is not supported any more", [r.address, r.values.version_actual])
}

warn contains msg if {
	some r in resources
	r.type == "kvs_instance"
	days := days_left(r)
	days >= 0
	days < setting("notice_days")
	msg := sprintf("%s: version %s is supported until %s", [r.address, r.values.version_actual, setting("releases")[release(r)]])
}

warn contains msg if {
	some r in resources
	r.type == "kvs_instance"
	is_string(r.values.version_actual)
	not setting("releases")[release(r)]
	msg := sprintf("%s: it is not known until when version %s is supported", [r.address, r.values.version_actual])
}
