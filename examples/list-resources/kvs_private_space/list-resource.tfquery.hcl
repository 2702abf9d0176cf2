# The spaces of a team.
list "kvs_private_space" "acme" {
  provider = kvs

  config {
    team = "acme"
  }
}
