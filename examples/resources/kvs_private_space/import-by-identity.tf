import {
  to = kvs_private_space.prod
  identity = {
    id = "01234567-89ab-4cde-8f01-23456789abcd"
  }
}
