# Offline tests of what the module makes of its inputs. They do not contact Heroku.

mock_provider "kvs" {
  # A mock invents false for these attributes, which would fail the check of the stores.
  mock_resource "kvs_instance" {
    defaults = { requires_tls = true, high_availability = true, persistence = "AOF", monthly_price = 1100 }
  }
}

variables {
  name              = "acme-shield"
  team              = "acme"
  trusted_ranges    = { "192.0.2.0/24" = "office" }
  log_drain_url     = "https://user:password@logs.example.com"
  log_drain_version = 1
}

run "a_space_alone" {
  command = plan

  assert {
    condition     = kvs_private_space.space.shield && kvs_private_space.space.region == "virginia" && kvs_private_space.space.deletion_protection
    error_message = "It is not a protected Shield Space in Virginia."
  }
  assert {
    condition     = toset(keys(kvs_trusted_ip_ranges.space.ranges)) == toset(["192.0.2.0/24"])
    error_message = "The ranges of the space are not those that were asked for."
  }
  assert {
    condition     = length(kvs_app.app) == 0 && length(kvs_instance.store) == 0
    error_message = "There are apps or stores that nobody has asked for."
  }
}

run "apps_and_stores" {
  variables {
    apps = { acme-orders = {}, acme-billing = { internal_routing = true }, nobody = null }
    stores = {
      acme-cache = { app = "acme-orders", consumers = ["acme-billing"] }
      acme-queue = { app = "acme-billing", plan = "shield-9", attachment_name = "QUEUE" }
      nothing    = null
    }
  }

  assert {
    condition     = keys(kvs_app.app) == ["acme-billing", "acme-orders"] && kvs_app.app["acme-billing"].internal_routing
    error_message = "The apps are not those that were asked for."
  }
  assert {
    condition     = kvs_instance.store["acme-cache"].plan == "shield-7" && kvs_instance.store["acme-queue"].plan == "shield-9"
    error_message = "The plans are not those that were asked for."
  }
  assert {
    condition     = keys(kvs_attachment.consumer) == ["acme-cache/acme-billing"] && kvs_attachment.consumer["acme-cache/acme-billing"].name == "REDIS"
    error_message = "The one consumer does not find the store as its owner does."
  }
  assert {
    condition     = alltrue([for window in kvs_maintenance_window.store : window.day == "Sunday"]) && length(kvs_maintenance_window.store) == 2
    error_message = "A store is maintained at another time than on Sundays."
  }
  assert {
    condition     = keys(output.store_ids) == ["acme-cache", "acme-queue"] && output.monthly_price == 2200
    error_message = "The outputs are not those of the stores."
  }
}

run "null_and_empty_are_the_same_as_absent" {
  command = plan

  variables {
    region              = ""
    cidr                = ""
    data_cidr           = null
    apps                = null
    stores              = null
    window              = null
    deletion_protection = null
  }

  assert {
    condition     = kvs_private_space.space.region == "virginia" && kvs_private_space.space.cidr == "10.0.0.0/16" && kvs_private_space.space.deletion_protection
    error_message = "An empty input is not the default."
  }
}

run "what_an_auditor_objects_to" {
  command = plan

  variables {
    trusted_ranges      = { "10.0.0.0/8" = "" }
    log_drain_url       = ""
    log_drain_version   = null
    deletion_protection = false
  }

  expect_failures = [check.reach, check.logs, check.protection]
}

run "what_is_no_shield_space" {
  command = plan

  variables {
    name           = "A"
    trusted_ranges = { "0.0.0.0/0" = "everybody" }
    cidr           = "10.0.0.0"
    log_drain_url  = "http://logs.example.com"
    apps           = { Orders = {} }
    window         = { day = "Sunday", time = "02:15" }
  }

  expect_failures = [var.name, var.trusted_ranges, var.cidr, var.log_drain_url, var.apps, var.window]
}

run "a_log_drain_that_would_never_be_sent" {
  command = plan

  variables {
    log_drain_version = null
  }

  expect_failures = [var.log_drain_url, check.logs]
}

run "stores_of_other_apps" {
  command = plan

  variables {
    stores = { cache = { app = "acme-orders" } }
  }

  expect_failures = [var.stores]
}

run "stores_of_other_classes" {
  command = plan

  variables {
    apps   = { acme-orders = {} }
    stores = { cache = { app = "acme-orders", plan = "premium-0" } }
  }

  expect_failures = [var.stores]
}
