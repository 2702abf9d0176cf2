# A plan for Private Spaces on an app of the Common Runtime.
resource "kvs_instance" "mistake" {
  app_id = kvs_app.web.id
  plan   = "private-7"
}
