# The id is the UUID or the name of the space, a colon and the range.
import {
  to = kvs_trusted_ip_range.office
  id = "acme-prod:192.0.2.0/24"
}
