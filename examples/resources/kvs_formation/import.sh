# By the UUID or name of the app and the process type.
terraform import kvs_formation.web acme-web:web
