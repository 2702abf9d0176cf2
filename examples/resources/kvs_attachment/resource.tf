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

resource "kvs_app" "worker" {
  name = "acme-worker"
}

resource "kvs_instance" "cache" {
  app_id          = kvs_app.web.id
  plan            = "premium-0"
  attachment_name = "CACHE"
}

# The worker app shares the store of the web app and gets its URL in CACHE_URL. A change of instance_id re-points the
# attachment in place.
resource "kvs_attachment" "worker" {
  app_id      = kvs_app.worker.id
  instance_id = kvs_instance.cache.id
  name        = "CACHE"
}

# The name REDIS makes the store the app's primary store, as `heroku redis:promote` does: its URL is in REDIS_URL.
# The previous primary store stays attached under a name that Heroku chooses.
resource "kvs_attachment" "primary" {
  app_id      = kvs_app.web.id
  instance_id = kvs_instance.cache.id
  name        = "REDIS"
}
