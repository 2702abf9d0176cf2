# By the UUID of the app, which `heroku apps:info --app acme-web --json` prints.
terraform import kvs_app.web 01234567-89ab-4cde-8f01-23456789abcd

# By the name of the app.
terraform import kvs_app.web acme-web
