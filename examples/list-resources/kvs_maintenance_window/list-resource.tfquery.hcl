# When the stores of a team are maintained.
list "kvs_maintenance_window" "acme" {
  provider         = kvs
  include_resource = true

  config {
    team = "acme"
  }
}
