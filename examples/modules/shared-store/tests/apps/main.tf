# Creates the apps that the tests against the sandbox need.

terraform {
  required_providers {
    kvs = {
      source = "terraform-kvs/kvs"
    }
  }
}

resource "kvs_app" "app" {
  for_each = toset(["orders", "billing", "search"])
  name     = "acme-${each.key}"
}

output "ids" {
  description = "The ids of the apps."
  value       = { for key, app in kvs_app.app : key => app.id }
}
