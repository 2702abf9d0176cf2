# The trusted IP ranges of all spaces of a team.
list "kvs_trusted_ip_ranges" "acme" {
  provider         = kvs
  include_resource = true

  config {
    team = "acme"
  }
}
