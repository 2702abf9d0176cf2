terraform {
  required_providers {
    kvs = {
      source = "terraform-kvs/kvs"
    }
  }
}

resource "kvs_private_space" "prod" {
  name   = "acme-shield"
  team   = "acme"
  shield = true
}

resource "kvs_app" "inside" {
  name     = "acme-inside"
  space_id = kvs_private_space.prod.id
}

# A Shield Space accepts only shield plans. A store on a shield plan cannot be created as a fork.
resource "kvs_instance" "vault" {
  app_id = kvs_app.inside.id
  plan   = "shield-7"
}
