# One Key-Value Store that two apps use. `make demo` applies this against a local sandbox, upgrades the
# store in place and moves it into a Private Space.

terraform {
  required_providers {
    kvs = {
      source = "terraform-kvs/kvs"
    }
  }
}

resource "kvs_app" "web" {
  name = "orders-web"
}

resource "kvs_app" "worker" {
  name = "orders-worker"
}

resource "kvs_instance" "cache" {
  app_id = kvs_app.web.id
  name   = "orders-cache"
  plan   = var.plan

  timeout                = 60
  maxmemory_policy       = "allkeys-lru"
  notify_keyspace_events = "Ex"
}

# The worker app gets the URL of the same store in its own REDIS_URL.
resource "kvs_attachment" "worker" {
  app_id      = kvs_app.worker.id
  instance_id = kvs_instance.cache.id
  name        = "REDIS"
}

# The URL contains the password. Terraform reads it when it is needed and stores it in neither the plan nor the state.
ephemeral "kvs_credentials" "cache" {
  instance_id = kvs_instance.cache.id
}

resource "terraform_data" "command" {
  count            = var.command == null ? 0 : 1
  triggers_replace = var.command

  provisioner "local-exec" {
    command = var.command
    environment = {
      REDIS_URL = ephemeral.kvs_credentials.cache.url
    }
  }
}
