# From where the spaces of a team can be reached.
list "kvs_trusted_ip_ranges" "acme" {
  provider         = kvs
  include_resource = true

  config {
    team = "acme"
  }
}
