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

# A space that is managed elsewhere is found by its name or its id, with what lives in it.
data "kvs_private_space" "prod" {
  name       = kvs_private_space.prod.name
  depends_on = [kvs_app.web] # so that it is listed here; a space that is managed elsewhere needs no such line
}

output "apps" {
  value = data.kvs_private_space.prod.apps[*].name
}

output "outbound_ips" {
  value = data.kvs_private_space.prod.outbound_ips
}
