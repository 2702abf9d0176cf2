# The maintenance windows of a team's stores.
list "kvs_maintenance_window" "acme" {
  provider         = kvs
  include_resource = true

  config {
    team = "acme"
  }
}
