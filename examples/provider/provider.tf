terraform {
  required_version = ">= 1.11"
  required_providers {
    kvs = {
      source  = "terraform-kvs/kvs"
      version = "~> 0.1"
    }
  }
}

# The provider reads the API token from HEROKU_API_KEY, or else from ~/.netrc, which `heroku login` writes.
provider "kvs" {}

resource "kvs_app" "web" {
  name = "acme-orders-web" # must be unique across Heroku
}

# Heroku sets the URL of the store in the app's config var REDIS_URL.
resource "kvs_instance" "cache" {
  app_id           = kvs_app.web.id
  plan             = "premium-0" # a change to premium-1 is made in place: same id, name and keys
  maxmemory_policy = "allkeys-lru"
}

# Heroku maintains the store on Sundays from 02:30 to 06:30 UTC.
resource "kvs_maintenance_window" "cache" {
  instance_id = kvs_instance.cache.id
  day         = "Sunday"
  time        = "02:30"
}
