# By the UUID of the space, which `heroku spaces:info --space acme-prod --json` prints.
terraform import kvs_private_space.prod 01234567-89ab-4cde-8f01-23456789abcd

# By the name of the space.
terraform import kvs_private_space.prod acme-prod
