# A Shield Space that only the office reaches, with an app and its store inside, under change control.

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

# Somebody else approves each change: none without a reference, none in a freeze, and a record of each write.
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

  # Settled for good when the space is created. They must not overlap networks that the space is to be peered with.
  cidr      = "10.40.0.0/16"
  data_cidr = "172.24.0.0/20"
}

# A new space admits the whole internet: these ranges are the first thing that it gets.
resource "kvs_trusted_ip_ranges" "prod" {
  space_id = kvs_private_space.prod.id

  ranges = {
    "192.0.2.0/24"     = { description = "office" }
    "198.51.100.17/32" = { description = "VPN gateway" }
  }
}

# Its team and its region are the space's. No request reaches it before the ranges are in force.
resource "kvs_app" "web" {
  name       = "acme-orders"
  space_id   = kvs_private_space.prod.id
  depends_on = [kvs_trusted_ip_ranges.prod]
}

# A Shield Space takes shield plans only; without this line it would be the space's default plan.
resource "kvs_instance" "cache" {
  app_id = kvs_app.web.id
  plan   = "shield-7"
  name   = "acme-orders-cache"

  maxmemory_policy = "volatile-lru"
}

# Heroku maintains the store by itself at night, when the office sleeps.
resource "kvs_maintenance_window" "cache" {
  instance_id = kvs_instance.cache.id
  day         = "Sunday"
  time        = "02:30" # UTC
}
