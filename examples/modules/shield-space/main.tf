/**
 * # shield-space
 *
 * A Shield Space with its trusted ranges, log drain, apps and stores, and with checks for typical audit questions:
 * who can reach the space, where its logs go, whether its stores have TLS, a standby and persistence, and whether the space is protected. The
 * output `not_managed_here` lists objects in the space that were created by other means.
 *
 * In every input, an empty string means the same as an absent value. The keys of `apps` and `stores`, and the apps that use each store, must be
 * known in the plan; all other values may be known only after apply.
 *
 * This module does not manage who may create apps in the space.
 */

locals {
  apps   = { for name, app in var.apps : name => app if app != null }
  stores = { for name, store in var.stores : name => store if store != null }

  # The keys consist of names from the inputs, so adding a consumer does not change the address of another one.
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

  # If the creation times out, the provider returns a warning, because an error would make the next apply destroy the object. This
  # condition makes the run fail without any other effect.
  lifecycle {
    postcondition {
      condition     = !var.require_ready || self.state != "allocating"
      error_message = "The space ${self.name} is ${self.state}. It is kept: apply again to go on waiting for it."
    }
  }
}

# A new space admits the whole internet, so the ranges are set before anything else is created in it.
resource "kvs_trusted_ip_ranges" "space" {
  space_id = kvs_private_space.space.id
  ranges   = { for range, description in var.trusted_ranges : range => { description = description == "" ? null : description } }
}

# The apps are created after the ranges are in force.
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

# Lists all apps and stores in the space, including those that this module does not manage.
data "kvs_private_space" "space" {
  id = kvs_private_space.space.id
}
