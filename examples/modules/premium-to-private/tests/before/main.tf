# Creates the objects that the tests against the sandbox need: the app before the move, and the space.

terraform {
  required_providers {
    kvs = {
      source = "terraform-kvs/kvs"
    }
  }
}

resource "kvs_app" "web" {
  name = "acme-orders"
}

resource "kvs_private_space" "prod" {
  name                = "acme-prod"
  team                = "acme"
  region              = "virginia"
  deletion_protection = false
}

output "app_id" {
  description = "Id of the app in the Common Runtime."
  value       = kvs_app.web.id
}

output "space_id" {
  description = "Id of the space."
  value       = kvs_private_space.prod.id
}
