terraform {
  required_providers {
    kvs = {
      source = "terraform-kvs/kvs"
    }
  }
}

locals {
  url = provider::kvs::parse_url("rediss://h:p4ssw0rd@redis.example.com:6380")
}

output "host" {
  value = local.url.host # "redis.example.com"
}

output "port" {
  value = local.url.port # 6380
}

output "tls" {
  value = local.url.tls # true
}
