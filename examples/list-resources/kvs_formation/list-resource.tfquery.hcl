# The dynos of the apps in a space.
list "kvs_formation" "acme" {
  provider         = kvs
  include_resource = true

  config {
    space = "acme-prod"
  }
}
