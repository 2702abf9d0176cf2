# The id is an app and the name of the attachment there, or the attachment's UUID.
import {
  to = kvs_attachment.worker
  id = "acme-worker::CACHE"
}
