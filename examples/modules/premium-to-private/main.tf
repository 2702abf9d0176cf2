/**
 * # premium-to-private
 *
 * An app moves into a Private Space, and its store with it: with all keys, its name, its settings, its window and its attachments. The
 * guide "From Premium to Private" of the provider says what happens meanwhile.
 *
 * 1. Apply with `in_space = false`: the app in the space is made, and the store is where it was.
 * 2. Deploy to the app in the space.
 * 3. Apply with `in_space = true`: the store moves, and the plan says what that means.
 * 4. When all is well, apply with `retire = "always"`: the old store goes.
 *
 * An empty text means the same as nothing in every input. Whether there is a `window` has to be known when the plan is made; all other
 * values may be known after apply only, but for `in_space`.
 */

# The app that takes over.
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

  # Not ready in time is a warning of the provider, since an error would have the next apply destroy what was ordered. This fails the
  # run and nothing else.
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
