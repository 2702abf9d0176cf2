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

# It begins with the keys that the source has when it is created, and has settings of its own: a fork copies none.
resource "kvs_instance" "copy" {
  app_id           = kvs_app.staging.id
  plan             = "premium-0"
  maxmemory_policy = "volatile-lru"

  fork = {
    instance_id = kvs_instance.sessions.id
  }
}
