# The id is the app's UUID or its name.
import {
  to = kvs_app.web
  id = "acme-web"
}
