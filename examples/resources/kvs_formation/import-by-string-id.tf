# The id is the UUID or the name of the app, and the process type.
import {
  to = kvs_formation.web
  id = "acme-web:web"
}
