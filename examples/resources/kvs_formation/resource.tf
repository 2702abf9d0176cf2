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

# The app must have a release with these process types. If this configuration creates the release, add depends_on.
resource "kvs_formation" "web" {
  app_id   = kvs_app.web.id
  type     = "web"
  quantity = 2
  size     = "Standard-1X"
}

# quantity is omitted because an autoscaler sets the number of dynos.
resource "kvs_formation" "worker" {
  app_id = kvs_app.web.id
  type   = "worker"
  size   = "Standard-2X"
}
