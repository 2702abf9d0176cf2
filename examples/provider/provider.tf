terraform {
  required_version = ">= 1.11"
  required_providers {
    kvs = {
      source  = "terraform-kvs/kvs"
      version = "~> 0.1"
    }
  }
}

# The credential is read from HEROKU_API_KEY, else from ~/.netrc, where `heroku login` leaves it.
provider "kvs" {}

resource "kvs_app" "web" {
  name = "acme-orders-web" # unique on all of Heroku
}

# The app finds the URL of its store in REDIS_URL.
resource "kvs_instance" "cache" {
  app_id           = kvs_app.web.id
  plan             = "premium-0" # premium-1 later on: changed in place, with the same id, name and keys
  maxmemory_policy = "allkeys-lru"
}

# Heroku maintains the store by itself on Sundays from 02:30 to 06:30 UTC.
resource "kvs_maintenance_window" "cache" {
  instance_id = kvs_instance.cache.id
  day         = "Sunday"
  time        = "02:30"
}
