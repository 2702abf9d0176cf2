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

resource "kvs_app" "web" {
  name     = "acme-web"
  space_id = kvs_private_space.prod.id
}

# Finds a space that is managed elsewhere by its name or its id, with its apps and stores.
data "kvs_private_space" "prod" {
  name       = kvs_private_space.prod.name
  depends_on = [kvs_app.web] # so that the app is listed; not needed for a space that is managed elsewhere
}

output "apps" {
  value = data.kvs_private_space.prod.apps[*].name
}

output "outbound_ips" {
  value = data.kvs_private_space.prod.outbound_ips
}
