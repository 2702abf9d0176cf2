terraform {
  required_providers {
    kvs = {
      source = "terraform-kvs/kvs"
    }
  }
}

# Only the name is required. The app belongs to the token's user, and Heroku chooses the region.
resource "kvs_app" "web" {
  name = "acme-web"
}

resource "kvs_app" "worker" {
  name        = "acme-worker"
  region      = "eu" # a change of region replaces the app
  maintenance = true # web requests get the maintenance page; if omitted, the mode is not managed
}
