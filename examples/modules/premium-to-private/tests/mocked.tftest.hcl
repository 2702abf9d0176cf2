# Offline tests of what the module makes of its inputs. They do not contact Heroku, so they copy no data.

mock_provider "kvs" {}

variables {
  app_id     = "22222222-2222-4222-8222-222222222222"
  space_id   = "11111111-1111-4111-8111-111111111111"
  app_name   = "acme-orders-inside"
  store_name = "acme-orders-cache"
}

run "before" {
  command = plan

  assert {
    condition     = kvs_instance.store.app_id == var.app_id && kvs_instance.store.plan == "premium-0"
    error_message = "The store is not a premium-0 of the app outside."
  }
  assert {
    condition     = kvs_instance.store.deletion_protection && kvs_instance.store.migration.scale_down && kvs_instance.store.migration.retire == "when_verified"
    error_message = "The store is not protected, the apps write while it is copied, or the old store is destroyed before its copy is proven."
  }
}

run "after" {
  variables {
    in_space     = true
    private_plan = "private-9"
    window       = { day = "Sunday", time = "02:30" }
    settings     = { maxmemory_policy = "volatile-lru" }
  }

  assert {
    condition     = kvs_instance.store.app_id == kvs_app.inside.id && kvs_instance.store.plan == "private-9"
    error_message = "The store is not a private-9 of the app in the space."
  }
  assert {
    condition     = kvs_maintenance_window.store[0].day == "Sunday" && kvs_instance.store.maxmemory_policy == "volatile-lru"
    error_message = "The window or the settings do not move along."
  }
}

run "null_and_empty_are_the_same_as_absent" {
  command = plan

  variables {
    in_space        = null
    premium_plan    = ""
    private_plan    = null
    attachment_name = ""
    settings        = { maxmemory_policy = "" }
    quiet           = null
    retire          = ""
    window          = null
  }

  assert {
    condition     = kvs_instance.store.plan == "premium-0" && kvs_instance.store.attachment_name == "REDIS" && kvs_instance.store.migration.retire == "when_verified"
    error_message = "An empty input is not the default."
  }
}

run "what_heroku_does_not_copy" {
  command = plan

  variables {
    premium_plan = "mini"
    private_plan = "shield-7"
    retire       = "at once"
    app_name     = "Orders"
  }

  expect_failures = [var.premium_plan, var.private_plan, var.retire, var.app_name]
}
