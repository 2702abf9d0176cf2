terraform {
  required_providers {
    kvs = {
      source = "terraform-kvs/kvs"
    }
  }
}

resource "kvs_app" "orders" {
  name = "acme-orders"
}

resource "kvs_app" "billing" {
  name = "acme-billing"
}

module "cache" {
  source = "../" # in your configuration: a copy of this directory, or its address in your registry

  owner_app_id = kvs_app.orders.id
  consumers = {
    billing = { app_id = kvs_app.billing.id }
  }
  settings = { maxmemory_policy = "allkeys-lru" }
  window   = { day = "Sunday", time = "02:30" }
}
