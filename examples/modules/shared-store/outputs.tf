output "id" {
  description = "Id of the store. `kvs_credentials` reads its URL where it is needed; no output has it."
  value       = kvs_instance.store.id
}

output "name" {
  description = "Name of the store."
  value       = kvs_instance.store.name
}

output "credentials_revision" {
  description = "Changes whenever the store's URL or password does, for `*_wo_version` of a copy elsewhere. It holds no secret."
  value       = kvs_instance.store.credentials_revision
}

output "monthly_price" {
  description = "Published price of the store's plan, in US dollars a month."
  value       = kvs_instance.store.monthly_price
}

output "config_vars" {
  description = "Names of the config vars in which the owner finds the store."
  value       = kvs_instance.store.config_vars
}

output "consumers" {
  description = "The attachments of the other apps, by the keys of `consumers`: their ids, and the names of their config vars."
  value = {
    for key, attachment in kvs_attachment.consumer : key => { id = attachment.id, config_vars = attachment.config_vars }
  }
}
