# The stores that an app shares with others, or has under a second name.
list "kvs_attachment" "web" {
  provider = kvs

  config {
    app = "acme-web"
  }
}
