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

resource "kvs_instance" "sessions" {
  app_id  = kvs_app.web.id
  plan    = "premium-0"
  version = "7.2" # the minimum version: 7.2.4 and 8.0 satisfy it; raising it upgrades the server, which cannot be undone

  migration = {
    version_upgrade = "now" # "window", the default, upgrades in the maintenance window
    app_maintenance = true  # the app shows its maintenance page during the upgrade
  }
}

output "version" {
  value = kvs_instance.sessions.version_actual
}
