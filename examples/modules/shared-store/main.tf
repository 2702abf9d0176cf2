/**
 * # shared-store
 *
 * One store for many apps. One app owns the store and is billed for it. The other apps are attached to it under keys that you choose.
 *
 * In every input, an empty string means the same as an absent value. The keys of `consumers`, and whether there is a `window`, must be
 * known in the plan; all other values may be known only after apply.
 */

resource "kvs_instance" "store" {
  app_id          = var.owner_app_id
  plan            = coalesce(var.plan, "premium-0")
  name            = var.name == "" ? null : var.name
  attachment_name = coalesce(var.attachment_name, "REDIS")
  version         = var.version_floor == "" ? null : var.version_floor

  maxmemory_policy       = var.settings.maxmemory_policy == "" ? null : var.settings.maxmemory_policy
  timeout                = var.settings.timeout
  notify_keyspace_events = var.settings.notify_keyspace_events

  deletion_protection = var.deletion_protection

  # If the creation times out, the provider returns a warning, because an error would make the next apply destroy the object. This
  # condition makes the run fail without any other effect.
  lifecycle {
    postcondition {
      condition     = !var.require_ready || !contains(["provisioning", "preparing", "migrating"], self.state)
      error_message = "The store ${self.name} is ${self.state}. It is kept: apply again to go on waiting for it."
    }
  }
}

resource "kvs_attachment" "consumer" {
  for_each = { for key, consumer in var.consumers : key => consumer if consumer != null }

  app_id      = each.value.app_id
  instance_id = kvs_instance.store.id
  name        = coalesce(each.value.attachment_name, var.attachment_name, "REDIS")
}

resource "kvs_maintenance_window" "store" {
  count = var.window == null ? 0 : 1

  instance_id = kvs_instance.store.id
  day         = var.window.day
  time        = var.window.time
}
