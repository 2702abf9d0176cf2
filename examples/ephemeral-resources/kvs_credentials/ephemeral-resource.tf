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
  app_id              = kvs_app.web.id
  plan                = "premium-0"
  deletion_protection = false # only so that this example can be destroyed
}

# The URL and its parts are read when they are needed and are kept in neither the plan nor the state.
# They may go where values are not kept either: provider configurations, provisioners and write-only arguments.
ephemeral "kvs_credentials" "cache" {
  instance_id = kvs_instance.cache.id
}

resource "terraform_data" "seed" {
  triggers_replace = kvs_instance.cache.id

  provisioner "local-exec" {
    command = "test -n \"$REDIS_URL\"" # in its place: a command that seeds the store
    environment = {
      REDIS_URL = ephemeral.kvs_credentials.cache.url
    }
  }
}
