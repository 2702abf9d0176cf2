output "web_name" {
  value = kvs_app.web.name
}

output "web_id" {
  value = kvs_app.web.id
}

output "worker_name" {
  value = kvs_app.worker.name
}

output "worker_id" {
  value = kvs_app.worker.id
}

output "store_name" {
  value = kvs_instance.cache.name
}

output "store_id" {
  value = kvs_instance.cache.id
}

output "store_plan" {
  value = kvs_instance.cache.plan
}

output "attachment_id" {
  value = kvs_attachment.worker.id
}
