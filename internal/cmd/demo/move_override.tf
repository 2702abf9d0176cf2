# The store moves to an app in the space, and so to a plan for Private Spaces.
resource "kvs_instance" "cache" {
  app_id    = kvs_app.inside.id
  plan      = "private-7"
  migration = { app_maintenance = true, scale_down = true }
}
