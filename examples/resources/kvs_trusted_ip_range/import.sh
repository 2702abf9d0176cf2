# By the UUID of the space, which `heroku spaces:info --space acme-prod --json` prints, and the range.
terraform import kvs_trusted_ip_range.office 01234567-89ab-4cde-8f01-23456789abcd:192.0.2.0/24

# By the name of the space, and the range.
terraform import kvs_trusted_ip_range.office acme-prod:192.0.2.0/24
