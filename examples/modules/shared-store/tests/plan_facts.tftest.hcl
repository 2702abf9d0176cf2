# Tests values that are known in the plan, from a mock file. Only Terraform reads mock files; OpenTofu reads plan_facts.tofutest.hcl.

mock_provider "kvs" {
  source = "../mocks"
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
