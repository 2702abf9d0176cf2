terraform {
  required_providers {
    kvs = {
      source = "terraform-kvs/kvs"
    }
  }
}

variable "in_space" {
  description = "Whether the store is in the space: false at first, true after the app in the space has been deployed."
  type        = bool
  default     = false
}

resource "kvs_app" "web" {
  name = "acme-orders"
}

resource "kvs_private_space" "prod" {
  name = "acme-prod"
  team = "acme"
}

module "cache" {
  source = "../" # in your configuration: a copy of this directory, or its address in your registry

  app_id   = kvs_app.web.id
  space_id = kvs_private_space.prod.id
  in_space = var.in_space

  app_name   = "acme-orders-inside"
  store_name = "acme-orders-cache"
  settings   = { maxmemory_policy = "volatile-lru" }
  window     = { day = "Sunday", time = "02:30" }
}
