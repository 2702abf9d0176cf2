terraform {
  required_providers {
    kvs = {
      source = "terraform-kvs/kvs"
    }
    kubernetes = {
      source = "hashicorp/kubernetes"
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

# Copies the URL into a Kubernetes secret. Neither the plan nor the state contains it. credentials_revision changes whenever the URL or
# the password changes, even outside of Terraform, and the next plan then updates the copy.
resource "kubernetes_secret_v1" "cache" {
  metadata {
    name = "cache-credentials"
  }

  data_wo = {
    REDIS_URL = ephemeral.kvs_credentials.cache.url
  }
  data_wo_revision = kvs_instance.cache.credentials_revision
}
