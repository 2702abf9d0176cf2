# Tests against the sandbox: kvs-sandbox exec -- terraform test -test-directory=tests/sandbox

provider "kvs" {}

run "apps" {
  module {
    source = "./tests/apps"
  }
}

run "shared" {
  variables {
    owner_app_id = run.apps.ids["orders"]
    consumers = {
      billing = { app_id = run.apps.ids["billing"] }
      search  = { app_id = run.apps.ids["search"], attachment_name = "ORDERS_CACHE" }
    }
    settings            = { maxmemory_policy = "allkeys-lru" }
    window              = { day = "Sunday", time = "02:30" }
    deletion_protection = false
  }

  assert {
    condition     = kvs_instance.store.state == "provisioned" && output.monthly_price == 15
    error_message = "The store is not ready, or not a premium-0."
  }
  assert {
    condition     = output.config_vars == toset(["REDIS_URL"]) && output.consumers["search"].config_vars == toset(["ORDERS_CACHE_URL"])
    error_message = "The apps do not find the store where they should."
  }
}

# Removes one consumer, keeps the attachment of the other one, and changes the plan in place.
run "grown" {
  variables {
    owner_app_id        = run.apps.ids["orders"]
    plan                = "premium-1"
    consumers           = { search = { app_id = run.apps.ids["search"], attachment_name = "ORDERS_CACHE" } }
    deletion_protection = false
  }

  assert {
    condition     = kvs_instance.store.impact.method == "plan_in_place" && kvs_attachment.consumer["search"].impact.method == "attach"
    error_message = "The store, or the attachment that stays, is not the one that was there."
  }
  assert {
    condition     = kvs_instance.store.maxmemory_policy == "noeviction" && output.monthly_price == 30
    error_message = "The settings are not Heroku's again, or the plan is not premium-1."
  }
}
