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
  app_id          = kvs_app.web.id
  plan            = "premium-0"
  attachment_name = "CACHE"
}

# Finds a store that is managed elsewhere by its name or its id.
data "kvs_instance" "by_name" {
  name = kvs_instance.cache.name
}

# Finds the store that is attached to an app as CACHE. REDIS finds the app's primary store.
data "kvs_instance" "by_attachment" {
  app_id          = kvs_app.web.id
  attachment_name = kvs_instance.cache.attachment_name
}

output "version" {
  value = data.kvs_instance.by_name.version_actual
}

output "memory_limit" {
  value = data.kvs_instance.by_attachment.memory_limit
}
