# The id is the UUID or the name of the space.
import {
  to = kvs_trusted_ip_ranges.prod
  id = "acme-prod"
}
