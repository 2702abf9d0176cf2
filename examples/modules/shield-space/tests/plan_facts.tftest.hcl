# Tests values that are known in the plan, from a mock file. Only Terraform reads mock files; OpenTofu reads plan_facts.tofutest.hcl.

mock_provider "kvs" {
  source = "../mocks"
}

run "prices" {
  command = plan

  variables {
    name              = "acme-shield"
    team              = "acme"
    trusted_ranges    = { "192.0.2.0/24" = "office" }
    log_drain_url     = "https://user:password@logs.example.com"
    log_drain_version = 1
    apps              = { acme-orders = {} }
    stores            = { acme-cache = { app = "acme-orders" }, acme-queue = { app = "acme-orders", attachment_name = "QUEUE" } }
  }

  assert {
    condition     = output.monthly_price == 30
    error_message = "The price is not that of two stores."
  }
}
