terraform {
  required_providers {
    kvs = {
      source = "terraform-kvs/kvs"
    }
    vault = {
      source = "hashicorp/vault"
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

ephemeral "kvs_credentials" "cache" {
  instance_id = kvs_instance.cache.id
}

# Copies the parts of the URL into Vault.
resource "vault_kv_secret_v2" "cache" {
  mount = "secret"
  name  = "acme/cache"

  data_json_wo = jsonencode({
    host     = ephemeral.kvs_credentials.cache.host
    port     = ephemeral.kvs_credentials.cache.port
    tls      = ephemeral.kvs_credentials.cache.tls
    username = ephemeral.kvs_credentials.cache.username
    password = ephemeral.kvs_credentials.cache.password
  })
  data_json_wo_version = kvs_instance.cache.credentials_revision
}
