# What is protected cannot be destroyed.
resource "kvs_instance" "cache" {
  deletion_protection = false
}

resource "kvs_private_space" "prod" {
  deletion_protection = false
}
