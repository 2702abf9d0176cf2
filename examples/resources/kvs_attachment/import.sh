# By an app, its name or its UUID, and the name of the attachment there.
terraform import kvs_attachment.worker acme-worker::CACHE

# By the UUID of the attachment.
terraform import kvs_attachment.worker 01234567-89ab-4cde-8f01-23456789abcd
