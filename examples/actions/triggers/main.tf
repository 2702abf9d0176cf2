# Requires Terraform 1.16 or later. The actions take their object from the resource that triggers them.

terraform {
  required_providers {
    kvs = {
      source = "terraform-kvs/kvs"
    }
  }
}

variable "timeout" {
  type    = number
  default = 300
}

resource "kvs_app" "web" {
  name = "acme-web"
}

# caller is the resource that triggers the action, so one action is enough for all stores.
action "kvs_reset_stats" "changed" {
  config {
    instance_id = caller.id
  }
}

resource "kvs_instance" "cache" {
  app_id          = kvs_app.web.id
  plan            = "premium-0"
  attachment_name = "REDIS"
  timeout         = var.timeout

  lifecycle {
    action_trigger {
      events     = [after_update]
      actions    = [action.kvs_reset_stats.changed]
      on_failure = continue # a failure is a warning and does not stop the run
    }
  }
}

# The app shows its maintenance page while its store is destroyed.
action "kvs_set_app_maintenance" "on" {
  config {
    app_id      = caller.app_id
    maintenance = true
  }
}

action "kvs_set_app_maintenance" "off" {
  config {
    app_id      = caller.app_id
    maintenance = false
  }
}

resource "kvs_instance" "sessions" {
  app_id          = kvs_app.web.id
  plan            = "premium-0"
  attachment_name = "SESSIONS"

  lifecycle {
    action_trigger {
      events     = [before_destroy]
      actions    = [action.kvs_set_app_maintenance.on]
      on_failure = halt # the default: if the action fails, the store is not destroyed
    }

    action_trigger {
      events  = [after_destroy]
      actions = [action.kvs_set_app_maintenance.off]
    }
  }
}
