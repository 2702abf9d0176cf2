# Checks for typical audit questions, evaluated in each plan and apply. A failed check is a warning, and makes terraform test fail. So does a
# check with an unknown result, so no check reads a data source; an output lists the other objects in the space instead.

check "shield" {
  assert {
    condition     = kvs_private_space.space.shield
    error_message = "The space ${var.name} is a Private Space, not a Shield Space."
  }
}

check "reach" {
  assert {
    condition     = length(var.trusted_ranges) > 0
    error_message = "Nobody reaches the space ${var.name}: it has no trusted range."
  }

  assert {
    condition     = alltrue([for range in keys(var.trusted_ranges) : try(tonumber(split("/", range)[1]), 32) >= 16])
    error_message = "A trusted range of the space ${var.name} has more than 65536 addresses. Name the networks that are meant."
  }
}

check "logs" {
  assert {
    condition     = var.log_drain_version != null
    error_message = "The space ${var.name} sends its logs nowhere: log_drain_url and log_drain_version are not set."
  }
}

check "stores" {
  assert {
    condition     = alltrue([for store in kvs_instance.store : store.requires_tls && store.high_availability && store.persistence == "AOF"])
    error_message = "A store of the space ${var.name} lacks TLS, a standby, or persistence."
  }
}

check "protection" {
  assert {
    condition     = var.deletion_protection
    error_message = "The space ${var.name} and its stores are not protected: a destroy would be carried out."
  }
}
