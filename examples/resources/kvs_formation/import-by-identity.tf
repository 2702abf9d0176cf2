import {
  to = kvs_formation.web
  identity = {
    app_id = "01234567-89ab-4cde-8f01-23456789abcd"
    type   = "web"
  }
}
