terraform {
  required_providers {
    kvs = {
      source = "terraform-kvs/kvs"
    }
  }
}

# All that an app needs. It belongs to the token's user, and Heroku chooses the region.
resource "kvs_app" "web" {
  name = "acme-web"
}

resource "kvs_app" "worker" {
  name        = "acme-worker"
  region      = "eu" # cannot be changed later: another region is another app
  maintenance = true # web requests get the maintenance page; without this line, the mode is left as it is
}
