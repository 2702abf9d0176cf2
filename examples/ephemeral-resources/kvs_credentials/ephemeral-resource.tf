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
  app_id = kvs_app.web.id
  plan   = "premium-0"
}

# Terraform reads the URL and its parts when they are needed and stores them in neither the plan nor the state.
# They can be used in provider configurations, provisioners and write-only arguments.
ephemeral "kvs_credentials" "cache" {
  instance_id = kvs_instance.cache.id
}

resource "terraform_data" "seed" {
  triggers_replace = kvs_instance.cache.id

  provisioner "local-exec" {
    command = "test -n \"$REDIS_URL\"" # replace this with a command that seeds the store
    environment = {
      REDIS_URL = ephemeral.kvs_credentials.cache.url
    }
  }
}

# Reads the credentials that another app has for a shared store. The id of the attachment is unknown until the attachment exists,
# so the credentials are not read before.
resource "kvs_app" "worker" {
  name = "acme-worker"
}

resource "kvs_attachment" "shared" {
  app_id      = kvs_app.worker.id
  instance_id = kvs_instance.cache.id
  name        = "SHARED"
}

ephemeral "kvs_credentials" "shared" {
  attachment_id = kvs_attachment.shared.id

  timeouts = {
    open = "5m" # how long to wait for a store that is not ready; the default is 2m
  }
}

# Runs again whenever the URL or the password changes, whoever changes it.
resource "terraform_data" "worker" {
  triggers_replace = kvs_attachment.shared.credentials_revision

  provisioner "local-exec" {
    command = "test -n \"$SHARED_URL\""
    environment = {
      SHARED_URL = ephemeral.kvs_credentials.shared.url
    }
  }
}
