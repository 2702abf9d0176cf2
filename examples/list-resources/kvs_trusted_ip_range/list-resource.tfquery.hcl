# Each range of a space that several teams share.
list "kvs_trusted_ip_range" "prod" {
  provider         = kvs
  include_resource = true

  config {
    space = "acme-prod"
  }
}
