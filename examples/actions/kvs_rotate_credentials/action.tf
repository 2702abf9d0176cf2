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

resource "kvs_instance" "cache" {
  app_id = kvs_app.web.id
  plan   = "premium-0"
}

# terraform apply -invoke=action.kvs_rotate_credentials.cache
action "kvs_rotate_credentials" "cache" {
  config {
    instance_id = kvs_instance.cache.id
  }
}
