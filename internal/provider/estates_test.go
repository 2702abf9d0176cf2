// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

// shielded has one of each resource in a Shield Space, and an app outside.
const shielded = `
resource "kvs_private_space" "prod" {
  name                = "acme-prod"
  team                = "acme"
  shield              = true
  deletion_protection = false
}

resource "kvs_trusted_ip_ranges" "prod" {
  space_id = kvs_private_space.prod.id
  ranges   = { "192.0.2.0/24" = {}, "198.51.100.0/24" = {} }
}

resource "kvs_app" "inside" {
  name     = "orders-inside"
  space_id = kvs_private_space.prod.id
}

resource "kvs_instance" "inside" {
  app_id              = kvs_app.inside.id
  plan                = "shield-7"
  name                = "orders-inside-cache"
  deletion_protection = false
}

resource "kvs_attachment" "second" {
  app_id      = kvs_app.inside.id
  instance_id = kvs_instance.inside.id
  name        = "SECOND"
}

resource "kvs_maintenance_window" "inside" {
  instance_id = kvs_instance.inside.id
  day         = "Sunday"
  time        = "02:30"
}
` + outside

const outside = `
resource "kvs_app" "web" {
  name = "orders-web"
}
`

// approved has stores and an attachment outside as well, one of them protected: whatever a change can be approved for.
const approved = shielded + `
resource "kvs_app" "worker" {
  name = "orders-worker"
}

resource "kvs_instance" "cache" {
  app_id = kvs_app.web.id
  plan   = "premium-0"
  name   = "orders-cache"

  deletion_protection = false
}

resource "kvs_instance" "spare" {
  app_id              = kvs_app.web.id
  plan                = "premium-1"
  name                = "orders-spare"
  attachment_name     = "SPARE"
  deletion_protection = true
}

resource "kvs_attachment" "worker" {
  app_id      = kvs_app.worker.id
  instance_id = kvs_instance.cache.id
  name        = "CACHE"
}
`

// staffed has who may create apps in the space, and the dynos of apps inside and outside of it.
const staffed = `
resource "kvs_space_app_access" "member" {
  space_id = kvs_private_space.prod.id
  email    = "member@acme.example"
}

resource "kvs_formation" "inside" {
  app_id   = kvs_app.inside.id
  type     = "web"
  quantity = 2
  size     = "Shield-S"
}

resource "kvs_formation" "worker" {
  app_id   = kvs_app.worker.id
  type     = "worker"
  quantity = 3
}
`
