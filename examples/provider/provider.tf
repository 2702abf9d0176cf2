terraform {
  required_providers {
    kvs = {
      source  = "terraform-kvs/kvs"
      version = "~> 0.1"
    }
  }
}

# The credential is read from HEROKU_API_KEY, else from ~/.netrc, where `heroku login` leaves it.
provider "kvs" {}
