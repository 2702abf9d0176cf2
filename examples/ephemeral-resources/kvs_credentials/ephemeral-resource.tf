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

# Of a store that is shared with another app, the credentials that this app has. The id of the attachment is unknown as long
# as the attachment is only planned, so that nothing is looked up before it is there.
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
    open = "5m" # for a store that is not ready; 2m when absent
  }
}

# Run again whenever the URL or the password has changed, whoever has changed it.
resource "terraform_data" "worker" {
  triggers_replace = kvs_attachment.shared.credentials_revision

  provisioner "local-exec" {
    command = "test -n \"$SHARED_URL\""
    environment = {
      SHARED_URL = ephemeral.kvs_credentials.shared.url
    }
  }
}
