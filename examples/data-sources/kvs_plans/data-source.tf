terraform {
  required_providers {
    kvs = {
      source = "terraform-kvs/kvs"
    }
  }
}

data "kvs_plans" "private" {
  class = "private"
}

# The cheapest plan for a Private Space with at least 10 GB.
output "plan" {
  value = [for plan in data.kvs_plans.private.plans : plan.name if try(plan.memory_limit >= 10000, false)][0]
}
