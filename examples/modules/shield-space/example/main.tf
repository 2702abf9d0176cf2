terraform {
  required_providers {
    kvs = {
      source = "terraform-kvs/kvs"
    }
  }
}

variable "log_drain_url" {
  description = "Where the space sends its logs."
  type        = string
  ephemeral   = true
  sensitive   = true
  default     = "https://user:password@logs.example.com"
}

module "prod" {
  source = "../" # in your configuration: a copy of this directory, or its address in your registry

  name = "acme-shield"
  team = "acme"

  trusted_ranges = {
    "192.0.2.0/24"     = "office"
    "198.51.100.17/32" = "VPN gateway"
  }

  log_drain_url     = var.log_drain_url
  log_drain_version = 1

  apps = {
    acme-orders  = {}
    acme-billing = { internal_routing = true }
  }
  stores = {
    acme-orders-cache = { app = "acme-orders", consumers = ["acme-billing"], maxmemory_policy = "volatile-lru" }
  }
}
