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

# Every plan and apply warns while the store is nearly full. The check does not stop them.
check "memory" {
  assert {
    condition     = coalesce(data.kvs_usage.cache.memory_used_percent, 0) < 80
    error_message = "The cache uses ${coalesce(data.kvs_usage.cache.memory_used_percent, 0)} % of its plan's memory."
  }
}

# A store in a Private Space accepts connections only from its space. Elsewhere, reachable is false, and unreachable_reason says why.
output "reachable" {
  value = data.kvs_usage.cache.reachable
}
