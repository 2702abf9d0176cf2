import {
  to = kvs_maintenance_window.cache
  identity = {
    instance_id = "01234567-89ab-4cde-8f01-23456789abcd"
  }
}
