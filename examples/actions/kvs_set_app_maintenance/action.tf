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

# An app that is managed elsewhere is found by its name. Here the name comes from this example itself; with a kvs_app of
# your own, set its maintenance instead.
data "kvs_app" "web" {
  name = kvs_app.web.name
}

# terraform apply -invoke=action.kvs_set_app_maintenance.on
action "kvs_set_app_maintenance" "on" {
  config {
    app_id      = data.kvs_app.web.id
    maintenance = true
  }
}

# terraform apply -invoke=action.kvs_set_app_maintenance.off
action "kvs_set_app_maintenance" "off" {
  config {
    app_id      = data.kvs_app.web.id
    maintenance = false
  }
}
