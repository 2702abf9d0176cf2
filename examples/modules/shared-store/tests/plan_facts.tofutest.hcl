# plan_facts.tftest.hcl for OpenTofu, which has no mock files. A mock may set only computed attributes.

mock_provider "kvs" {
  mock_resource "kvs_instance" {
    defaults = { monthly_price = 15, config_vars = ["REDIS_URL"] }
  }
}

run "price" {
  command = plan

  variables {
    owner_app_id = "22222222-2222-4222-8222-222222222222"
  }

  assert {
    condition     = output.monthly_price == 15 && output.config_vars == toset(["REDIS_URL"])
    error_message = "The price, or the config var, is not in the plan."
  }
}
