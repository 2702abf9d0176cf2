# The old store is not needed any more.
resource "kvs_instance" "cache" {
  migration = { retire = "always" }
}
