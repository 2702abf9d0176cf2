# The attachments of an app, except those that a kvs_instance manages as its attachment_name.
list "kvs_attachment" "web" {
  provider = kvs

  config {
    app = "acme-web"
  }
}
