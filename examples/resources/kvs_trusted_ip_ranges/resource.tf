terraform {
  required_providers {
    kvs = {
      source = "terraform-kvs/kvs"
    }
  }
}

resource "kvs_private_space" "prod" {
  name = "acme-prod"
  team = "acme"
}

# All trusted ranges of the space. Clients outside these ranges cannot reach its web processes.
resource "kvs_trusted_ip_ranges" "prod" {
  space_id = kvs_private_space.prod.id

  ranges = {
    "192.0.2.0/24"     = { description = "office" }
    "198.51.100.17/32" = { description = "VPN gateway" }
    "203.0.113.0/28"   = {} # a description is optional
  }

  # Heroku cannot delete the ranges of a space. When this resource is destroyed, "keep", the default, leaves them in force,
  # "restore_previous" restores the previous ranges, and "open" admits the whole internet.
  on_destroy = "keep"
}
