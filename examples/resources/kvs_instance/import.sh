# By the UUID of the add-on, which `heroku addons --app acme-web --json` prints.
terraform import kvs_instance.cache 01234567-89ab-4cde-8f01-23456789abcd

# By the name of the add-on.
terraform import kvs_instance.cache acme-cache

# By an app and the name of its attachment.
terraform import kvs_instance.cache acme-web::CACHE
