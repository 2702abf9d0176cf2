# The id is an app and the name of its attachment, or the attachment's UUID.
import {
  to = kvs_attachment.worker
  id = "acme-worker::CACHE"
}
