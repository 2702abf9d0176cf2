# The id is the UUID of the store, its name, or an app and the name of the store's attachment.
import {
  to = kvs_maintenance_window.cache
  id = "acme-web::REDIS"
}
