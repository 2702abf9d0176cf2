output "space_id" {
  description = "Id of the space."
  value       = kvs_private_space.space.id
}

output "outbound_ips" {
  description = "Addresses that requests from the space come from, for allow lists of other systems."
  value       = kvs_private_space.space.outbound_ips
}

output "app_ids" {
  description = "Ids of the apps, by name."
  value       = { for name, app in kvs_app.app : name => app.id }
}

output "store_ids" {
  description = "Ids of the stores, by name. No output contains a URL; read it with `kvs_credentials` where you need it."
  value       = { for name, store in kvs_instance.store : name => store.id }
}

output "credentials_revisions" {
  description = "Numbers that change whenever the URL or password of a store does, by name of the store, for `*_wo_version` of copies elsewhere. They contain no secret."
  value       = { for name, store in kvs_instance.store : name => store.credentials_revision }
}

output "monthly_price" {
  description = "Published price of all stores together, in US dollars a month."
  value       = sum(concat([0], [for store in kvs_instance.store : coalesce(store.monthly_price, 0)]))
}

output "not_managed_here" {
  description = "Names of apps and stores in the space that this module does not manage. They were created by other means."
  value = setsubtract(
    [for found in concat(data.kvs_private_space.space.apps, data.kvs_private_space.space.stores) : found.name],
    concat(keys(local.apps), keys(local.stores)),
  )
}
