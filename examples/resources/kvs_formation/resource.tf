terraform {
  required_providers {
    kvs = {
      source = "terraform-kvs/kvs"
    }
  }
}

resource "kvs_app" "web" {
  name = "acme-web"
}

# The app needs a release that has these process types. Where this configuration makes it, depends_on names what does.
resource "kvs_formation" "web" {
  app_id   = kvs_app.web.id
  type     = "web"
  quantity = 2
  size     = "Standard-1X"
}

# An autoscaler decides how many dynos there are: quantity is left out.
resource "kvs_formation" "worker" {
  app_id = kvs_app.web.id
  type   = "worker"
  size   = "Standard-2X"
}
