# All stores of a team. Terraform lists 100 results unless limit says otherwise.
list "kvs_instance" "acme" {
  provider = kvs
  limit    = 1000

  config {
    team = "acme"
  }
}

# Stores whose version is approaching end of life, with all attributes.
list "kvs_instance" "outdated" {
  provider         = kvs
  include_resource = true

  config {
    deprecated = true
  }
}

# Stores without attachments, such as a store that a replacement has kept. They still cost money.
list "kvs_instance" "kept" {
  provider = kvs

  config {
    unattached = true
  }
}
