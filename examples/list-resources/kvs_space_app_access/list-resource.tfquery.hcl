# The members who may create apps in a space without being an admin of the team.
list "kvs_space_app_access" "acme" {
  provider         = kvs
  include_resource = true

  config {
    space = "acme-prod"
  }
}
