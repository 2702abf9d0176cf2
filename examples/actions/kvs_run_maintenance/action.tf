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

# terraform apply -invoke=action.kvs_run_maintenance.cache
action "kvs_run_maintenance" "cache" {
  config {
    instance_id     = kvs_instance.cache.id
    app_maintenance = true # visitors see the maintenance page
    scale_down      = true # no worker runs
  }
}
