# The id is the UUID or the name of the space, and the e-mail address of the member.
import {
  to = kvs_space_app_access.developer["member@acme.example"]
  id = "acme-prod:member@acme.example"
}
