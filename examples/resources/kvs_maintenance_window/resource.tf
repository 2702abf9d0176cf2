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
  plan   = "premium-0" # any plan but mini, which has no maintenance window
}

# Heroku maintains the store on Sundays from 02:30 to 06:30 UTC.
resource "kvs_maintenance_window" "cache" {
  instance_id = kvs_instance.cache.id
  day         = "Sunday"
  time        = "02:30" # a full or half hour, in UTC; 2:30AM is the same
}

output "maintained" {
  value = kvs_maintenance_window.cache.window # "Sundays 02:30 to 06:30 UTC"
}
