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

# All that a store needs. Heroku's defaults apply: a connection is closed after 300 idle seconds, no key is evicted.
resource "kvs_instance" "sessions" {
  app_id = kvs_app.web.id
  plan   = "premium-0" # premium-1 later on: an upgrade in place, with the same id, name and keys
}

# A cache beside it, with settings. The app finds its URL in CACHE_URL.
resource "kvs_instance" "cache" {
  app_id          = kvs_app.web.id
  plan            = "premium-1"
  name            = "acme-cache"
  attachment_name = "CACHE"

  timeout                = 60            # seconds; 0 never closes an idle connection
  maxmemory_policy       = "allkeys-lru" # a full cache forgets what was used least recently
  notify_keyspace_events = "Ex"          # an event for each key that expires

  timeouts = {
    create = "45m"
  }
}
