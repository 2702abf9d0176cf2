# The id is the space's UUID or its name.
import {
  to = kvs_private_space.prod
  id = "acme-prod"
}
