output "id" {
  description = "Id of the store. No output contains the URL; read it with `kvs_credentials` where you need it."
  value       = kvs_instance.store.id
}

output "name" {
  description = "Name of the store."
  value       = kvs_instance.store.name
}

output "credentials_revision" {
  description = "Number that changes whenever the store's URL or password does, for `*_wo_version` of a copy elsewhere. It contains no secret."
  value       = kvs_instance.store.credentials_revision
}

output "monthly_price" {
  description = "Published price of the store's plan, in US dollars a month."
  value       = kvs_instance.store.monthly_price
}

output "config_vars" {
  description = "Names of the owner's config vars for the store."
  value       = kvs_instance.store.config_vars
}

output "consumers" {
  description = "Attachments of the other apps, by the keys of `consumers`: ids and names of config vars."
  value = {
    for key, attachment in kvs_attachment.consumer : key => { id = attachment.id, config_vars = attachment.config_vars }
  }
}
