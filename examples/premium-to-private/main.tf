# A premium store moves into a Private Space with its data, its name, its settings and its attachments.
#
# This is the configuration after the move. Before the move, it was applied with -var in_space=false: the store belonged to
# the app in the Common Runtime, on a premium plan. The variable changes only two arguments of the store.

terraform {
  required_providers {
    kvs = {
      source = "terraform-kvs/kvs"
    }
  }
}

variable "in_space" {
  description = "Whether the store has moved into the space."
  type        = bool
  default     = true
}

# The app that owns the store before the move. Keep it until the store has moved, because destroying an app destroys its stores.
resource "kvs_app" "web" {
  name = "acme-orders"
}

resource "kvs_private_space" "prod" {
  name   = "acme-prod"
  team   = "acme"
  region = "virginia"
}

# The app that owns the store after the move.
resource "kvs_app" "inside" {
  name     = "acme-orders-inside"
  space_id = kvs_private_space.prod.id
}

resource "kvs_instance" "cache" {
  app_id          = var.in_space ? kvs_app.inside.id : kvs_app.web.id
  plan            = var.in_space ? "private-7" : "premium-0"
  name            = "acme-orders-cache"
  attachment_name = "REDIS"

  maxmemory_policy = "volatile-lru"

  # The store is protected from deletion by default. This does not stop the move.
  migration = {
    # Prevents writes while the data is copied: visitors see the maintenance page, and no dyno runs. Both are restored
    # afterwards, even if the apply fails or is interrupted.
    app_maintenance = true
    scale_down      = true

    # The keys of the new store cannot be counted from outside the space, so the old store is kept, as retired_instance_id.
    # With "always", a later apply destroys it.
    retire = "when_verified"
  }
}

# The maintenance window moves with the store.
resource "kvs_maintenance_window" "cache" {
  instance_id = kvs_instance.cache.id
  day         = "Sunday"
  time        = "02:30" # UTC
}
