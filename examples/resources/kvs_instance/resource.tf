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

# A store with Heroku's default settings: idle connections are closed after 300 seconds, and no key is evicted.
resource "kvs_instance" "sessions" {
  app_id = kvs_app.web.id
  plan   = "premium-0" # a change to premium-1 is made in place: same id, name and keys
}

# A second store for the same app, with settings. The app gets its URL in CACHE_URL.
resource "kvs_instance" "cache" {
  app_id          = kvs_app.web.id
  plan            = "premium-1"
  name            = "acme-cache"
  attachment_name = "CACHE"

  timeout                = 60            # seconds; 0 never closes an idle connection
  maxmemory_policy       = "allkeys-lru" # a full store evicts the least recently used keys
  notify_keyspace_events = "Ex"          # an event for each key that expires

  timeouts = {
    create = "45m"
  }
}
