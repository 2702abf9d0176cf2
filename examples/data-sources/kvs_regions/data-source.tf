terraform {
  required_providers {
    kvs = {
      source = "terraform-kvs/kvs"
    }
  }
}

# Where a Private or Shield Space can be.
data "kvs_regions" "private" {
  private_capable = true
}

output "regions" {
  value = data.kvs_regions.private.regions[*].name
}
