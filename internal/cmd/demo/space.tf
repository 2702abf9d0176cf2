# A space, and an app in it that has no store yet.
resource "kvs_private_space" "prod" {
  name = "acme-prod"
  team = "acme"
}

resource "kvs_app" "inside" {
  name     = "orders-inside"
  space_id = kvs_private_space.prod.id
}

output "space_state" {
  value = kvs_private_space.prod.state
}

output "inside_name" {
  value = kvs_app.inside.name
}

output "retired_store_id" {
  value = kvs_instance.cache.retired_instance_id
}
