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

resource "kvs_app" "inside" {
  name     = "acme-inside"
  space_id = kvs_private_space.prod.id
}

# A small store for an app in a space. The smallest private plan would be private-7. outside_space consents to data that
# travels over the public internet. A Shield Space does not allow this.
resource "kvs_instance" "cache" {
  app_id        = kvs_app.inside.id
  plan          = "premium-0"
  outside_space = true
}
