import {
  to = kvs_trusted_ip_ranges.prod
  identity = {
    space_id = "01234567-89ab-4cde-8f01-23456789abcd"
  }
}
