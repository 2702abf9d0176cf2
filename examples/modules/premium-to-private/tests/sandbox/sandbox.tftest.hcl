# Tests against the sandbox: kvs-sandbox exec -- terraform test -test-directory=tests/sandbox

provider "kvs" {}

variables {
  app_name            = "acme-orders-inside"
  store_name          = "acme-orders-cache"
  settings            = { maxmemory_policy = "volatile-lru" }
  window              = { day = "Sunday", time = "02:30" }
  deletion_protection = false
}

run "before" {
  module {
    source = "./tests/before"
  }
}

run "premium" {
  variables {
    app_id   = run.before.app_id
    space_id = run.before.space_id
  }

  assert {
    condition     = kvs_instance.store.plan == "premium-0" && kvs_instance.store.app_id == var.app_id
    error_message = "The store is not a premium-0 of the app outside."
  }
}

run "private" {
  variables {
    app_id   = run.before.app_id
    space_id = run.before.space_id
    in_space = true
  }

  assert {
    condition     = kvs_instance.store.impact.method == "replacement_by_fork" && kvs_instance.store.impact.data == "copied"
    error_message = "The store was not copied."
  }
  assert {
    condition     = kvs_instance.store.app_id == kvs_app.inside.id && kvs_instance.store.name == "acme-orders-cache" && kvs_instance.store.maxmemory_policy == "volatile-lru"
    error_message = "The store is not in the space under its name and with its settings."
  }
  assert {
    condition     = kvs_instance.store.retired_instance_id != null && kvs_maintenance_window.store[0].instance_id == kvs_instance.store.id
    error_message = "The old store was not kept, or the window has not moved along."
  }
}

run "retired" {
  variables {
    app_id   = run.before.app_id
    space_id = run.before.space_id
    in_space = true
    retire   = "always"
  }

  assert {
    condition     = kvs_instance.store.retired_instance_id == null
    error_message = "The old store is still there, and paid for."
  }
}
