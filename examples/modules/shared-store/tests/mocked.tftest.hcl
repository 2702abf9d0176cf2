# Offline tests of what the module makes of its inputs. They do not contact Heroku.

mock_provider "kvs" {}

variables {
  owner_app_id = "22222222-2222-4222-8222-222222222222"
}

run "defaults" {
  command = plan

  assert {
    condition     = kvs_instance.store.plan == "premium-0" && kvs_instance.store.attachment_name == "REDIS"
    error_message = "The store is not a premium-0 that its owner finds in REDIS_URL."
  }
  assert {
    condition     = kvs_instance.store.deletion_protection
    error_message = "The store is not protected."
  }
  assert {
    condition     = length(kvs_attachment.consumer) == 0 && length(kvs_maintenance_window.store) == 0
    error_message = "There is an attachment or a window that nobody has asked for."
  }
}

run "null_and_empty_are_the_same_as_absent" {
  command = plan

  variables {
    name            = ""
    plan            = null
    attachment_name = ""
    consumers       = { nobody = null, billing = { app_id = "55555555-5555-4555-8555-555555555555", attachment_name = "" } }
    settings        = { maxmemory_policy = "" }
    version_floor   = ""
    window          = null
  }

  assert {
    condition     = kvs_instance.store.plan == "premium-0" && kvs_instance.store.attachment_name == "REDIS" && kvs_instance.store.version == null
    error_message = "An empty input is not the default."
  }
  assert {
    condition     = keys(kvs_attachment.consumer) == ["billing"] && kvs_attachment.consumer["billing"].name == "REDIS"
    error_message = "billing is not the only consumer, or its attachment does not have the owner's name."
  }
}

run "what_is_said_is_done" {
  variables {
    name            = "acme-orders-cache"
    plan            = "premium-3"
    attachment_name = "CACHE"
    consumers = {
      billing = { app_id = "55555555-5555-4555-8555-555555555555" }
      search  = { app_id = "66666666-6666-4666-8666-666666666666", attachment_name = "ORDERS_CACHE" }
    }
    settings            = { maxmemory_policy = "allkeys-lru", timeout = 0 }
    window              = { day = "Sunday", time = "02:30" }
    deletion_protection = false
  }

  assert {
    condition     = kvs_attachment.consumer["billing"].name == "CACHE" && kvs_attachment.consumer["search"].name == "ORDERS_CACHE"
    error_message = "A consumer without a name of its own does not have the owner's, or one with a name has another."
  }
  assert {
    condition     = kvs_instance.store.maxmemory_policy == "allkeys-lru" && kvs_instance.store.timeout == 0
    error_message = "The settings are not those that were asked for."
  }
  assert {
    condition     = kvs_maintenance_window.store[0].day == "Sunday" && !kvs_instance.store.deletion_protection
    error_message = "The window, or the protection, is not what was asked for."
  }
  assert {
    condition     = output.id == kvs_instance.store.id && keys(output.consumers) == ["billing", "search"]
    error_message = "The outputs are not those of the store."
  }
}

run "names_that_heroku_refuses" {
  command = plan

  variables {
    name            = "9 lives"
    attachment_name = "CACHE_URL"
    consumers       = { billing = { app_id = "55555555-5555-4555-8555-555555555555", attachment_name = "cache" } }
  }

  expect_failures = [var.name, var.attachment_name, var.consumers]
}

run "settings_and_windows_that_heroku_refuses" {
  command = plan

  variables {
    settings      = { timeout = -1 }
    version_floor = "seven"
    window        = { day = "Someday", time = "02:15" }
  }

  expect_failures = [var.settings, var.version_floor, var.window]
}
