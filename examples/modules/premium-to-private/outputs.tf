output "app_id" {
  description = "Id of the app in the space."
  value       = kvs_app.inside.id
}

output "store_id" {
  description = "Id of the store in use. It changes with the move."
  value       = kvs_instance.store.id
}

output "credentials_revision" {
  description = "Number that changes whenever the store's URL or password does, for `*_wo_version` of a copy elsewhere. It contains no secret."
  value       = kvs_instance.store.credentials_revision
}

output "retired_store_id" {
  description = "Id of the old store while it is kept, otherwise null. Heroku charges for it: see `retire`."
  value       = kvs_instance.store.retired_instance_id
}
