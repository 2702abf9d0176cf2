# plan_facts.tftest.hcl for OpenTofu, which has no mock files. A mock may set only computed attributes.

mock_provider "kvs" {
  mock_resource "kvs_instance" {
    defaults = { monthly_price = 15, requires_tls = true, high_availability = true, persistence = "AOF" }
  }
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
