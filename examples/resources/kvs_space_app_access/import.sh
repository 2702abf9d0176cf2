# By the UUID or name of the space and the e-mail address of the member.
terraform import 'kvs_space_app_access.developer["member@acme.example"]' acme-prod:member@acme.example
