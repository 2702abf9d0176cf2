# By the app, which is its UUID or its name, and the process type.
terraform import kvs_formation.web acme-web:web
