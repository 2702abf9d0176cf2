output "space_id" {
  description = "Id of the space."
  value       = kvs_private_space.space.id
}

output "outbound_ips" {
  description = "The addresses that requests from the space come from, for the firewalls of others."
  value       = kvs_private_space.space.outbound_ips
}

output "app_ids" {
  description = "The ids of the apps, by their names."
  value       = { for name, app in kvs_app.app : name => app.id }
}

output "store_ids" {
  description = "The ids of the stores, by their names. `kvs_credentials` reads a URL where it is needed; no output has one."
  value       = { for name, store in kvs_instance.store : name => store.id }
}

output "credentials_revisions" {
  description = "By the names of the stores, numbers that change whenever a URL or password does, for `*_wo_version` of copies elsewhere. They hold no secret."
  value       = { for name, store in kvs_instance.store : name => store.credentials_revision }
}

output "monthly_price" {
  description = "Published price of all stores together, in US dollars a month."
  value       = sum(concat([0], [for store in kvs_instance.store : coalesce(store.monthly_price, 0)]))
}

output "not_managed_here" {
  description = "Names of apps and stores in the space that this configuration does not know. Somebody has made them by other means."
  value = setsubtract(
    [for found in concat(data.kvs_private_space.space.apps, data.kvs_private_space.space.stores) : found.name],
    concat(keys(local.apps), keys(local.stores)),
  )
}
