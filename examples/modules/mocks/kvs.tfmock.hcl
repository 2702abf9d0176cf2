# Realistic values that mock_provider "kvs" { source = ... } returns for attributes that the configuration does not set. They are
# known in the plan. Stores have the limits and the price of premium-0, regardless of their plan. Objects of the same kind have the
# same id.
#
# For Terraform only, because OpenTofu has no mock files. If a test does not depend on the values, mock_provider "kvs" {} is enough
# on both CLIs.

mock_resource "kvs_private_space" {
  override_during = plan
  defaults = {
    id                  = "11111111-1111-4111-8111-111111111111"
    region              = "virginia"
    generation          = "cedar"
    shield              = false
    state               = "allocated"
    cidr                = "10.0.0.0/16"
    data_cidr           = "172.23.0.0/20"
    outbound_ips        = ["192.0.2.67", "192.0.2.193", "198.51.100.11", "198.51.100.57"]
    deletion_protection = true
    created_at          = "2026-01-14T09:00:00Z"
    impact = {
      method       = "create"
      data         = null
      interruption = "none"
      url_changes  = "no"
      irreversible = false
      price_before = null
      price_after  = null
      restarts     = []
      admits       = null
      shuts_out    = null
      reference    = null
    }
  }
}

mock_resource "kvs_trusted_ip_ranges" {
  override_during = plan
  defaults = {
    id              = "11111111-1111-4111-8111-111111111111"
    applied         = true
    space_name      = "acme-prod"
    on_destroy      = "keep"
    previous_ranges = ["0.0.0.0/0"]
    impact = {
      method       = "ranges"
      data         = null
      interruption = "none"
      url_changes  = "no"
      irreversible = false
      price_before = null
      price_after  = null
      restarts     = []
      admits       = null
      shuts_out    = null
      reference    = null
    }
  }
}

mock_resource "kvs_trusted_ip_range" {
  override_during = plan
  defaults = {
    id         = "11111111-1111-4111-8111-111111111111:192.0.2.0/24"
    applied    = true
    space_name = "acme-prod"
    takes_over = null
    impact = {
      method       = "ranges"
      data         = null
      interruption = "none"
      url_changes  = "no"
      irreversible = false
      price_before = null
      price_after  = null
      restarts     = []
      admits       = null
      shuts_out    = null
      reference    = null
    }
  }
}

mock_resource "kvs_app" {
  override_during = plan
  defaults = {
    id               = "22222222-2222-4222-8222-222222222222"
    region           = "us"
    team             = "acme"
    space_name       = null
    internal_routing = false
    maintenance      = false
    web_url          = "https://acme-web-7b16a58265e0.herokuapp.com/"
    created_at       = "2026-01-14T09:00:00Z"
    impact = {
      method       = "create"
      data         = null
      interruption = "none"
      url_changes  = "no"
      irreversible = false
      price_before = null
      price_after  = null
      restarts     = []
      admits       = null
      shuts_out    = null
      reference    = null
    }
  }
}

mock_resource "kvs_space_app_access" {
  override_during = plan
  defaults = {
    id          = "11111111-1111-4111-8111-111111111111:dev@acme.example"
    space_name  = "acme-prod"
    permissions = ["create_apps"]
    taken_over  = null
    impact = {
      method       = "access"
      data         = null
      interruption = "none"
      url_changes  = "no"
      irreversible = false
      price_before = null
      price_after  = null
      restarts     = []
      admits       = null
      shuts_out    = null
      reference    = null
    }
  }
}

mock_resource "kvs_formation" {
  override_during = plan
  defaults = {
    id       = "22222222-2222-4222-8222-222222222222:web"
    app_name = "acme-web"
    quantity = 1
    size     = "Standard-1X"
    impact = {
      method       = "scale"
      data         = null
      interruption = "none"
      url_changes  = "no"
      irreversible = false
      price_before = null
      price_after  = null
      restarts     = []
      admits       = null
      shuts_out    = null
      reference    = null
    }
  }
}

mock_resource "kvs_instance" {
  override_during = plan
  defaults = {
    id                     = "33333333-3333-4333-8333-333333333333"
    name                   = "redis-curved-48210"
    plan                   = "premium-0"
    state                  = "provisioned"
    version_actual         = "7.2.4"
    attachment_name        = "REDIS"
    config_vars            = ["REDIS_URL"]
    attached_apps          = { acme-web = ["REDIS_URL"] }
    memory_limit           = 50
    connection_limit       = 40
    monthly_price          = 15
    high_availability      = true
    persistence            = "AOF"
    requires_tls           = true
    maxmemory_policy       = "noeviction"
    timeout                = 300
    notify_keyspace_events = ""
    outside_space          = false
    deletion_protection    = true
    retired_instance_id    = null
    created_at             = "2026-01-14T09:00:00Z"
    credentials_revision   = 5253443687126496
    impact = {
      method       = "create"
      data         = null
      interruption = "none"
      url_changes  = "no"
      irreversible = false
      price_before = 0
      price_after  = 15
      restarts     = ["acme-web"]
      admits       = null
      shuts_out    = null
      reference    = null
    }
  }
}

mock_resource "kvs_attachment" {
  override_during = plan
  defaults = {
    id            = "44444444-4444-4444-8444-444444444444"
    instance_name = "acme-cache"
    app_name      = "acme-web"
    name          = "HEROKU_REDIS_BLUE"
    config_vars   = ["HEROKU_REDIS_BLUE_URL"]
    takes_over    = null

    credentials_revision = 5253443687126496
    impact = {
      method       = "attach"
      data         = "kept"
      interruption = "none"
      url_changes  = "no"
      irreversible = false
      price_before = null
      price_after  = null
      restarts     = ["acme-web"]
      admits       = null
      shuts_out    = null
      reference    = null
    }
  }
}

mock_resource "kvs_maintenance_window" {
  override_during = plan
  defaults = {
    id            = "33333333-3333-4333-8333-333333333333"
    instance_name = "acme-cache"
    window        = "Sundays 02:30 to 06:30 UTC"
    ends_at       = "Sundays 06:30 UTC"
    next          = "2026-01-18T02:30:00Z"
    impact = {
      method       = "window"
      data         = null
      interruption = "none"
      url_changes  = "no"
      irreversible = false
      price_before = null
      price_after  = null
      restarts     = []
      admits       = null
      shuts_out    = null
      reference    = null
    }
  }
}

mock_data "kvs_app" {
  defaults = {
    id               = "22222222-2222-4222-8222-222222222222"
    name             = "acme-web"
    region           = "us"
    team             = "acme"
    space_id         = null
    space_name       = null
    shield           = false
    internal_routing = false
    maintenance      = false
    web_url          = "https://acme-web-7b16a58265e0.herokuapp.com/"
    created_at       = "2026-01-14T09:00:00Z"
  }
}

mock_data "kvs_instance" {
  defaults = {
    id                     = "33333333-3333-4333-8333-333333333333"
    name                   = "redis-curved-48210"
    owner_app_id           = "22222222-2222-4222-8222-222222222222"
    plan                   = "premium-0"
    state                  = "provisioned"
    version_actual         = "7.2.4"
    config_vars            = ["REDIS_URL"]
    memory_limit           = 50
    connection_limit       = 40
    monthly_price          = 15
    high_availability      = true
    persistence            = "AOF"
    requires_tls           = true
    maxmemory_policy       = "noeviction"
    timeout                = 300
    notify_keyspace_events = ""
    maintenance_window     = "Sundays 02:30 to 06:30 UTC"
    web_url                = "https://addons-sso.heroku.com/apps/22222222-2222-4222-8222-222222222222/addons/33333333-3333-4333-8333-333333333333"
    created_at             = "2026-01-14T09:00:00Z"
    credentials_revision   = 5253443687126496
  }
}

mock_data "kvs_private_space" {
  defaults = {
    id           = "11111111-1111-4111-8111-111111111111"
    name         = "acme-prod"
    team         = "acme"
    region       = "virginia"
    generation   = "cedar"
    shield       = false
    state        = "allocated"
    cidr         = "10.0.0.0/16"
    data_cidr    = "172.23.0.0/20"
    outbound_ips = ["192.0.2.67", "192.0.2.193", "198.51.100.11", "198.51.100.57"]
    created_at   = "2026-01-14T09:00:00Z"
  }
}

mock_data "kvs_usage" {
  defaults = {
    reachable           = true
    unreachable_reason  = null
    version             = "7.2.4"
    role                = "master"
    can_fork            = true
    connections         = 3
    connection_limit    = 40
    evicted_keys        = 0
    hit_rate            = 0.98
    keys                = 1200
    maxmemory_policy    = "noeviction"
    memory_limit        = 50
    memory_used         = 12
    memory_peak         = 14
    memory_used_percent = 24
  }
}
