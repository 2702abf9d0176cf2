# The id is the UUID of the store, its name, or an app and the name under which the store is attached to it.
import {
  to = kvs_maintenance_window.cache
  id = "acme-web::REDIS"
}
