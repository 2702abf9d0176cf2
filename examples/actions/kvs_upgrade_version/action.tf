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

# Prepares the upgrade, which then runs in the maintenance window: terraform apply -invoke=action.kvs_upgrade_version.window
action "kvs_upgrade_version" "window" {
  config {
    instance_id = kvs_instance.cache.id
    version     = "8.0"
  }
}

# Prepares and runs the upgrade: terraform apply -invoke=action.kvs_upgrade_version.now
action "kvs_upgrade_version" "now" {
  config {
    instance_id     = kvs_instance.cache.id
    version         = "8.0"
    when            = "now"
    app_maintenance = true

    timeouts = {
      invoke = "90m"
    }
  }
}
