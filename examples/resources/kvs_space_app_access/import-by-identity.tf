import {
  to = kvs_space_app_access.developer["member@acme.example"]
  identity = {
    space_id = "01234567-89ab-4cde-8f01-23456789abcd"
    email    = "member@acme.example"
  }
}
