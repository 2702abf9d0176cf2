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

resource "kvs_app" "staging" {
  name = "acme-staging"
}

resource "kvs_instance" "sessions" {
  app_id = kvs_app.web.id
  plan   = "premium-0"
}

# The new store begins with a copy of the source's keys. It needs its own settings, because a fork does not copy them.
resource "kvs_instance" "copy" {
  app_id           = kvs_app.staging.id
  plan             = "premium-0"
  maxmemory_policy = "volatile-lru"

  fork = {
    instance_id = kvs_instance.sessions.id
  }
}
