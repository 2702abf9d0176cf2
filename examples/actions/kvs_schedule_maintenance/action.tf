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

# Postpones the maintenance until after the sale: terraform apply -invoke=action.kvs_schedule_maintenance.after_the_sale
action "kvs_schedule_maintenance" "after_the_sale" {
  config {
    instance_id = kvs_instance.cache.id
    not_before  = "2026-12-02"
  }
}

# Moves the maintenance to the next window: terraform apply -invoke=action.kvs_schedule_maintenance.soon
action "kvs_schedule_maintenance" "soon" {
  config {
    instance_id = kvs_instance.cache.id
    in_weeks    = 0
  }
}
