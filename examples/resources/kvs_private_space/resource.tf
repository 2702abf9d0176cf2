terraform {
  required_providers {
    kvs = {
      source = "terraform-kvs/kvs"
    }
  }
}

# All that a space needs. Heroku chooses its region and its networks; none of them can be changed later.
resource "kvs_private_space" "staging" {
  name = "acme-staging"
  team = "acme"
}

# A Shield Space with networks of its own, which leave room for a peering with 10.0.0.0/16.
resource "kvs_private_space" "prod" {
  name      = "acme-prod"
  team      = "acme"
  region    = "frankfurt"
  shield    = true
  cidr      = "10.40.0.0/16"  # of the dynos: exactly a /16
  data_cidr = "172.24.0.0/20" # of the stores: a /16 to a /20

  timeouts = {
    create = "1h"
  }
}

# What others have to admit to be reached from the space.
output "outbound_ips" {
  value = kvs_private_space.prod.outbound_ips
}
