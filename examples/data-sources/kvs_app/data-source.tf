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

# Finds an app that is managed elsewhere by its name or its id. In this example, the name comes from the kvs_app above.
data "kvs_app" "web" {
  name = kvs_app.web.name
}

output "app_id" {
  value = data.kvs_app.web.id
}
