# By the name or UUID of an app and the name of its attachment.
terraform import kvs_attachment.worker acme-worker::CACHE

# By the UUID of the attachment.
terraform import kvs_attachment.worker 01234567-89ab-4cde-8f01-23456789abcd
