terraform {
  required_providers {
    kvs = {
      source = "terraform-kvs/kvs"
    }
  }
}

# The regions that support Private and Shield Spaces.
data "kvs_regions" "private" {
  private_capable = true
}

output "regions" {
  value = data.kvs_regions.private.regions[*].name
}
