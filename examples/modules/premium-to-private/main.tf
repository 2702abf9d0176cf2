/**
 * # premium-to-private
 *
 * Moves an app and its store into a Private Space. The store keeps all keys, its name, its settings, its window and its attachments. The
 * provider's guide "From Premium to Private" describes the steps of the move.
 *
 * 1. Apply with `in_space = false`: this creates the app in the space, and the store stays where it is.
 * 2. Deploy to the app in the space.
 * 3. Apply with `in_space = true`: this moves the store, and the plan shows the effects.
 * 4. When you have checked the result, apply with `retire = "always"`: this destroys the old store.
 *
 * In every input, an empty string means the same as an absent value. `in_space`, and whether there is a `window`, must be known in the plan;
 * all other values may be known only after apply.
 */

# The app that owns the store after the move.
resource "kvs_app" "inside" {
  name     = var.app_name
  space_id = var.space_id
}

resource "kvs_instance" "store" {
  app_id          = var.in_space ? kvs_app.inside.id : var.app_id
  plan            = var.in_space ? coalesce(var.private_plan, "private-7") : coalesce(var.premium_plan, "premium-0")
  name            = var.store_name
  attachment_name = coalesce(var.attachment_name, "REDIS")

  maxmemory_policy       = var.settings.maxmemory_policy == "" ? null : var.settings.maxmemory_policy
  timeout                = var.settings.timeout
  notify_keyspace_events = var.settings.notify_keyspace_events

  migration = {
    app_maintenance = var.quiet
    scale_down      = var.quiet
    retire          = coalesce(var.retire, "when_verified")
  }

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

resource "kvs_maintenance_window" "store" {
  count = var.window == null ? 0 : 1

  instance_id = kvs_instance.store.id
  day         = var.window.day
  time        = var.window.time
}
