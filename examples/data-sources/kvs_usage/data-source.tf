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

data "kvs_usage" "cache" {
  instance_id = kvs_instance.cache.id
}

# A warning in every plan and apply, for as long as the store is nearly full. It never stops them.
check "memory" {
  assert {
    condition     = coalesce(data.kvs_usage.cache.memory_used_percent, 0) < 80
    error_message = "The cache uses ${coalesce(data.kvs_usage.cache.memory_used_percent, 0)} % of its plan's memory."
  }
}

# A store in a Private Space takes connections from its space only. Outside, the reason says so, and this is false.
output "reachable" {
  value = data.kvs_usage.cache.reachable
}
