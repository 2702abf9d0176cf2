terraform {
  required_providers {
    kvs = {
      source = "terraform-kvs/kvs"
    }
  }
}

resource "kvs_app" "web" {
  name = "acme-web"
}

# An app that is managed elsewhere is found by its name or its id. Here the name comes from this example itself.
data "kvs_app" "web" {
  name = kvs_app.web.name
}

output "app_id" {
  value = data.kvs_app.web.id
}
