terraform {
  required_providers {
    kvs = {
      source = "terraform-kvs/kvs"
    }
  }
}

# Only name and team are required. Heroku chooses the region and the networks, which cannot be changed later.
resource "kvs_private_space" "staging" {
  name = "acme-staging"
  team = "acme"
}

# A Shield Space with networks that do not overlap 10.0.0.0/16, so that it can be peered with that network.
resource "kvs_private_space" "prod" {
  name      = "acme-prod"
  team      = "acme"
  region    = "frankfurt"
  shield    = true
  cidr      = "10.40.0.0/16"  # network of the dynos: a /16
  data_cidr = "172.24.0.0/20" # network of the stores: a /16 to a /20

  timeouts = {
    create = "1h"
  }
}

# The addresses that requests from the space come from. Others must allow them in their firewalls.
output "outbound_ips" {
  value = kvs_private_space.prod.outbound_ips
}
