# Tests values that are known in the plan, from a mock file. Only Terraform reads mock files; OpenTofu reads plan_facts.tofutest.hcl.

mock_provider "kvs" {
  source = "../mocks"
}

run "nothing_retired_yet" {
  command = plan

  variables {
    app_id     = "22222222-2222-4222-8222-222222222222"
    space_id   = "11111111-1111-4111-8111-111111111111"
    app_name   = "acme-orders-inside"
    store_name = "acme-orders-cache"
  }

  assert {
    condition     = output.retired_store_id == null && kvs_instance.store.monthly_price == 15
    error_message = "A store is retired, or the price is not in the plan."
  }
}
