# Tests against the sandbox: kvs-sandbox exec -- terraform test -test-directory=tests/sandbox

provider "kvs" {}

variables {
  name              = "acme-shield"
  team              = "acme"
  trusted_ranges    = { "192.0.2.0/24" = "office" }
  log_drain_url     = "https://user:password@logs.example.com"
  log_drain_version = 1
}

run "built" {
  variables {
    apps   = { acme-orders = {}, acme-billing = { internal_routing = true } }
    stores = { acme-cache = { app = "acme-orders", consumers = ["acme-billing"] } }
  }

  assert {
    condition     = kvs_private_space.space.state == "allocated" && kvs_trusted_ip_ranges.space.applied
    error_message = "The space is not ready, or its ranges are not in force."
  }
  assert {
    condition     = output.monthly_price == 1100 && kvs_instance.store["acme-cache"].memory_limit == 7168
    error_message = "The store is not a shield-7."
  }
  assert {
    condition     = length(output.outbound_ips) == 4
    error_message = "The outbound addresses are not there."
  }
}

# Switches off the protection, so that the next run can remove an app and an attachment without touching the others.
run "unprotected" {
  variables {
    apps                = { acme-orders = {}, acme-billing = { internal_routing = true } }
    stores              = { acme-cache = { app = "acme-orders", consumers = ["acme-billing"] } }
    deletion_protection = false
  }

  expect_failures = [check.protection]
}

run "smaller" {
  variables {
    apps                = { acme-orders = {} }
    stores              = { acme-cache = { app = "acme-orders" } }
    deletion_protection = false
  }

  assert {
    condition     = output.not_managed_here == toset(["acme-billing"])
    error_message = "The app that leaves was not seen in the space beforehand."
  }
  assert {
    condition     = kvs_instance.store["acme-cache"].impact.method == "protection" && keys(kvs_app.app) == ["acme-orders"]
    error_message = "The store that stays was changed, or an app is left over."
  }

  expect_failures = [check.protection]
}
