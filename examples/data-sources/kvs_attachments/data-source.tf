terraform {
  required_providers {
    kvs = {
      source = "terraform-kvs/kvs"
    }
  }
}

# All attachments of stores to apps of a team.
data "kvs_attachments" "acme" {
  team = "acme"
}

# Imports the attachments that no kvs_instance manages as its attachment_name, under keys of app and name.
import {
  for_each = { for a in data.kvs_attachments.acme.attachments : "${a.app_name}::${a.name}" => a if !a.first }
  to       = kvs_attachment.shared[each.key]
  id       = each.value.id
}

resource "kvs_attachment" "shared" {
  for_each    = { for a in data.kvs_attachments.acme.attachments : "${a.app_name}::${a.name}" => a if !a.first }
  app_id      = each.value.app_id
  instance_id = each.value.instance_id
  name        = each.value.name
}
