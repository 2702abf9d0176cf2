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

# A copy in a Kubernetes secret, which is in neither the plan nor the state. Whatever changes the URL or the password, also outside
# of Terraform, changes credentials_revision, and the next plan updates the copy.
resource "kubernetes_secret_v1" "cache" {
  metadata {
    name = "cache-credentials"
  }

  data_wo = {
    REDIS_URL = ephemeral.kvs_credentials.cache.url
  }
  data_wo_revision = kvs_instance.cache.credentials_revision
}
