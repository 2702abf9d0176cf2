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

# The ranges of one team. Ranges of other teams, and ranges that somebody adds in the dashboard, stay as they are.
resource "kvs_trusted_ip_range" "office" {
  for_each = {
    "192.0.2.0/24"     = "office"
    "198.51.100.17/32" = "VPN gateway"
  }

  space_id    = kvs_private_space.prod.id
  range       = each.key
  description = each.value
}

# After expires_at, every plan warns until the range is removed.
resource "kvs_trusted_ip_range" "fair" {
  space_id    = kvs_private_space.prod.id
  range       = "203.0.113.0/28"
  description = "trade fair"
  expires_at  = "2099-12-18T00:00:00Z"
}

# A new space admits the whole internet, in addition to its ranges. closes_space on one range ends this. depends_on makes sure that
# the other ranges are set before.
resource "kvs_trusted_ip_range" "monitoring" {
  space_id     = kvs_private_space.prod.id
  range        = "203.0.113.64/28"
  description  = "monitoring"
  closes_space = true

  depends_on = [kvs_trusted_ip_range.office, kvs_trusted_ip_range.fair]
}
