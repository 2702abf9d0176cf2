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

# Finds an app that is managed elsewhere by its name. In this example, the name comes from the kvs_app above. For an app
# that you manage with kvs_app, set its argument maintenance instead.
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
