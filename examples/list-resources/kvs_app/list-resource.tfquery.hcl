# The apps of a space.
list "kvs_app" "prod" {
  provider = kvs

  config {
    space = "acme-prod"
  }
}
