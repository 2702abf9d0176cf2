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

# Past and upcoming maintenance of the store. Use app_id instead for all stores of an app.
data "kvs_maintenance" "cache" {
  instance_id = kvs_instance.cache.id
}

# Every plan and apply warns when maintenance is due outside the window within the next seven days.
check "maintenance_in_window" {
  assert {
    condition = alltrue([
      for m in data.kvs_maintenance.cache.maintenances :
      !m.due_outside_window || try(timecmp(coalesce(m.scheduled_for, m.required_by), timeadd(plantimestamp(), "168h")) > 0, false)
    ])
    error_message = "Maintenance is due outside the window: run it by hand at a better time, or schedule it anew."
  }
}
