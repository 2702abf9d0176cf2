# Finds the stores of a team with their apps, spaces, attachments, windows and ranges, and writes import blocks that use their
# names in addresses. It changes nothing.
#
#   terraform apply
#   terraform output -raw imports    > ../imports.tf
#   terraform output -raw references > ../references.sed

terraform {
  required_providers {
    kvs = {
      source = "terraform-kvs/kvs"
    }
  }
}

variable "team" {
  type    = string
  default = "acme"
}

data "kvs_instances" "all" {
  team = var.team
}

data "kvs_attachments" "all" {
  team = var.team
}

locals {
  stores = data.kvs_instances.all.instances
  shared = [for a in data.kvs_attachments.all.attachments : a if !a.first] # a kvs_instance manages the first one as attachment_name
  inside = [for s in local.stores : s if s.space_id != null]

  # The objects that others refer to by id, by their addresses. Several stores may be in one app, and several apps in one space.
  owners = merge(
    merge([for s in local.inside : { "kvs_private_space.${s.space_name}" = s.space_id }]...),
    merge([for s in local.stores : { "kvs_app.${s.app_name}" = s.app_id }]...),
    merge([for a in local.shared : { "kvs_app.${a.app_name}" = a.app_id }]...),
    { for s in local.stores : "kvs_instance.${s.name}" => s.id },
  )
  # The objects that refer to them.
  parts = merge(
    merge([for s in local.inside : { "kvs_trusted_ip_ranges.${s.space_name}" = s.space_id }]...),
    { for s in local.stores : "kvs_maintenance_window.${s.name}" => s.id if s.has_maintenance_window },
    { for a in local.shared : "kvs_attachment.${a.app_name}-${a.name}" => a.id },
  )
}

output "imports" {
  value = join("\n", [for address, id in merge(local.owners, local.parts) : <<-EOT
    import {
      to       = ${address}
      id       = "${id}"
      provider = kvs
    }
    EOT
  ])
}

# Commands for sed. They replace UUIDs by references, except in the import ids, and remove the argument provider from the import
# blocks, which is allowed only while the resource is not in the configuration.
output "references" {
  value = join("", concat(["/^ *provider = kvs$/d\n"], [for address, id in local.owners : "/^ *id  *=/!s/= \"${id}\"/= ${address}.id/\n"]))
}
