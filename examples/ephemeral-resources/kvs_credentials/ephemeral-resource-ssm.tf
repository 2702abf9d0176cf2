terraform {
  required_providers {
    kvs = {
      source = "terraform-kvs/kvs"
    }
    aws = {
      source = "hashicorp/aws"
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

# Copies the URL into the Parameter Store of AWS Systems Manager.
resource "aws_ssm_parameter" "cache" {
  name             = "/acme/cache/redis-url"
  type             = "SecureString"
  value_wo         = ephemeral.kvs_credentials.cache.url
  value_wo_version = kvs_instance.cache.credentials_revision
}
