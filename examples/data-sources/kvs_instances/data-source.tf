terraform {
  required_providers {
    kvs = {
      source = "terraform-kvs/kvs"
    }
  }
}

# All stores of a team, with their settings.
data "kvs_instances" "acme" {
  team     = "acme"
  settings = true
}

# Imports the team's stores on one plan, under their names.
import {
  for_each = { for store in data.kvs_instances.acme.instances : store.name => store if store.plan == "premium-0" }
  to       = kvs_instance.cache[each.key]
  id       = each.value.id
}

resource "kvs_instance" "cache" {
  for_each         = { for store in data.kvs_instances.acme.instances : store.name => store if store.plan == "premium-0" }
  app_id           = each.value.app_id
  plan             = each.value.plan
  name             = each.key
  outside_space    = each.value.outside_space
  timeout          = each.value.timeout
  maxmemory_policy = each.value.maxmemory_policy
}

# Stores that soon need another version.
output "outdated" {
  value = [for store in data.kvs_instances.acme.instances : "${store.name} on ${store.version_actual}" if coalesce(store.deprecated, false)]
}

# Apps that use a store without owning it, by store.
output "shared" {
  value = { for store in data.kvs_instances.acme.instances : store.name => [for a in store.attachments : a.app_name if a.app_id != store.app_id] }
}
