# The id is the add-on's UUID, its name, or an app and the name of an attachment: "acme-web::CACHE".
import {
  to = kvs_instance.cache
  id = "acme-cache"
}
