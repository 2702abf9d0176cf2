terraform {
  required_version = ">= 1.11"

  required_providers {
    kvs = {
      source = "terraform-kvs/kvs"
    }
  }
}
