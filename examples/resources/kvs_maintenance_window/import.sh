# By the UUID of the store, which `heroku addons --app acme-web --json` prints.
terraform import kvs_maintenance_window.cache 01234567-89ab-4cde-8f01-23456789abcd

# By the name of the store.
terraform import kvs_maintenance_window.cache acme-cache

# By an app and the name of the store's attachment.
terraform import kvs_maintenance_window.cache acme-web::REDIS
