terraform {
  required_providers {
    kvs = {
      source = "terraform-kvs/kvs"
    }
  }
}

resource "kvs_private_space" "prod" {
  name = "acme-prod"
  team = "acme"
}

# Members of the team who may create apps in the space. Omit admins of the team, who may always create apps.
resource "kvs_space_app_access" "developer" {
  for_each = toset(["member@acme.example"])

  space_id = kvs_private_space.prod.id
  email    = each.key
}
