/**
 * # shield-space
 *
 * A Shield Space that names who reaches it, with its log drain, its apps and their stores, and with checks for what an auditor asks:
 * who reaches it, where its logs go, whether its stores have TLS, a standby and persistence, and whether it is protected. The output
 * `not_managed_here` says what somebody has made in it by other means.
 *
 * An empty text means the same as nothing in every input. The keys of `apps` and `stores`, and who uses which store, have to be known
 * when the plan is made; all other values may be known after apply only.
 *
 * Who may create apps in the space is not managed here: the members of the team and their permissions are Heroku's.
 */

locals {
  apps   = { for name, app in var.apps : name => app if app != null }
  stores = { for name, store in var.stores : name => store if store != null }

  # Keys of the caller's words, so that no attachment moves to another address when one is added.
  consumers = merge([
    for name, store in local.stores : { for app in coalesce(store.consumers, []) : "${name}/${app}" => { store = name, app = app } }
  ]...)
}

resource "kvs_private_space" "space" {
  name   = var.name
  team   = var.team
  region = coalesce(var.region, "virginia")
  shield = true

  cidr      = coalesce(var.cidr, "10.0.0.0/16")
  data_cidr = coalesce(var.data_cidr, "172.23.0.0/20")

  log_drain_url_wo         = var.log_drain_url == "" ? null : var.log_drain_url
  log_drain_url_wo_version = var.log_drain_version

  deletion_protection = var.deletion_protection

  # Not ready in time is a warning of the provider, since an error would have the next apply destroy what was ordered. This fails the
  # run and nothing else.
  lifecycle {
    postcondition {
      condition     = !var.require_ready || self.state != "allocating"
      error_message = "The space ${self.name} is ${self.state}. It is kept: apply again to go on waiting for it."
    }
  }
}

# A new space admits the whole internet: these ranges are the first thing that it gets.
resource "kvs_trusted_ip_ranges" "space" {
  space_id = kvs_private_space.space.id
  ranges   = { for range, description in var.trusted_ranges : range => { description = description == "" ? null : description } }
}

# No app is there before the ranges are in force.
resource "kvs_app" "app" {
  for_each = local.apps

  name             = each.key
  space_id         = kvs_private_space.space.id
  internal_routing = each.value.internal_routing

  depends_on = [kvs_trusted_ip_ranges.space]
}

resource "kvs_instance" "store" {
  for_each = local.stores

  app_id           = kvs_app.app[each.value.app].id
  name             = each.key
  plan             = coalesce(each.value.plan, "shield-7")
  attachment_name  = coalesce(each.value.attachment_name, "REDIS")
  maxmemory_policy = each.value.maxmemory_policy == "" ? null : each.value.maxmemory_policy
  version          = each.value.version_floor == "" ? null : each.value.version_floor

  deletion_protection = var.deletion_protection

  lifecycle {
    postcondition {
      condition     = !var.require_ready || !contains(["provisioning", "preparing", "migrating"], self.state)
      error_message = "The store ${self.name} is ${self.state}. It is kept: apply again to go on waiting for it."
    }
  }
}

resource "kvs_attachment" "consumer" {
  for_each = local.consumers

  app_id      = kvs_app.app[each.value.app].id
  instance_id = kvs_instance.store[each.value.store].id
  name        = coalesce(local.stores[each.value.store].attachment_name, "REDIS")
}

resource "kvs_maintenance_window" "store" {
  for_each = local.stores

  instance_id = kvs_instance.store[each.key].id
  day         = var.window.day
  time        = var.window.time
}

# What is in the space, whoever manages it.
data "kvs_private_space" "space" {
  id = kvs_private_space.space.id
}
