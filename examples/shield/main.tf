# A Shield Space that only the office can reach, with an app and its store, under change control.

terraform {
  required_providers {
    kvs = {
      source = "terraform-kvs/kvs"
    }
  }
}

variable "change_reference" {
  description = "The reference of the approved change, such as CHG0012345. A plan without changes needs none."
  type        = string
  default     = null
}

# Refuses changes without the reference of an approved change or during a freeze, and records each write.
provider "kvs" {
  change_control = {
    reference         = var.change_reference
    reference_pattern = "^CHG[0-9]{7}$"
    record_file       = "kvs-changes.jsonl"

    freezes = [
      { from = "2026-12-18T00:00:00Z", to = "2027-01-04T08:00:00Z", reason = "year-end close" },
    ]
  }
}

resource "kvs_private_space" "prod" {
  name   = "acme-shield"
  team   = "acme"
  region = "virginia"
  shield = true

  # Cannot be changed later. The networks must not overlap networks that the space will be peered with.
  cidr      = "10.40.0.0/16"
  data_cidr = "172.24.0.0/20"
}

# A new space admits the whole internet, so the ranges are set before anything else is created in it.
resource "kvs_trusted_ip_ranges" "prod" {
  space_id = kvs_private_space.prod.id

  ranges = {
    "192.0.2.0/24"     = { description = "office" }
    "198.51.100.17/32" = { description = "VPN gateway" }
  }
}

# The app belongs to the team and the region of the space. It is created after the ranges are in force.
resource "kvs_app" "web" {
  name       = "acme-orders"
  space_id   = kvs_private_space.prod.id
  depends_on = [kvs_trusted_ip_ranges.prod]
}

# A Shield Space accepts only shield plans. Without plan, the store gets the space's default plan.
resource "kvs_instance" "cache" {
  app_id = kvs_app.web.id
  plan   = "shield-7"
  name   = "acme-orders-cache"

  maxmemory_policy = "volatile-lru"
}

# Heroku maintains the store at night.
resource "kvs_maintenance_window" "cache" {
  instance_id = kvs_instance.cache.id
  day         = "Sunday"
  time        = "02:30" # UTC
}
