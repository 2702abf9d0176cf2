/**
 * # shared-store
 *
 * One store for many apps: an app owns it and is billed for it, the others are attached to it under keys of your own choice.
 *
 * An empty text means the same as nothing in every input. Whether there is a `window`, and the keys of `consumers`, have to be known
 * when the plan is made; all other values may be known after apply only.
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

  # Not ready in time is a warning of the provider, since an error would have the next apply destroy what was ordered. This fails the
  # run and nothing else.
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
