# plan_facts.tftest.hcl for OpenTofu, which has no mock files. A mock may set only computed attributes.

mock_provider "kvs" {
  mock_resource "kvs_instance" {
    defaults = { retired_instance_id = null, monthly_price = 15 }
  }
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
