import {
  to = kvs_trusted_ip_range.office
  identity = {
    space_id = "01234567-89ab-4cde-8f01-23456789abcd"
    range    = "192.0.2.0/24"
  }
}
