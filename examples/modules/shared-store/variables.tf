variable "owner_app_id" {
  description = "Id of the app that owns the store and is billed for it, such as `kvs_app.orders.id`. Destroying that app destroys the store."
  type        = string
  nullable    = false
}

variable "name" {
  description = "Name of the store, unique across Heroku. If omitted, the provider chooses one."
  type        = string
  default     = null

  validation {
    condition     = can(regex("^[A-Za-z][A-Za-z0-9_-]+$", coalesce(var.name, "none")))
    error_message = "The name of a store begins with a letter and goes on with letters, digits, dashes or underscores, such as acme-cache."
  }
}

variable "plan" {
  description = "Plan of the store. If the owner is in a Private or Shield Space, the store needs a `private` or a `shield` plan."
  type        = string
  default     = "premium-0"
}

variable "attachment_name" {
  description = "Name of the owner's attachment: with `CACHE`, the owner has the URL of the store in the config var `CACHE_URL`."
  type        = string
  default     = "REDIS"

  validation {
    condition     = can(regex("^[A-Z][A-Z0-9_]+$", replace(coalesce(var.attachment_name, "REDIS"), "/_URL$/", "-")))
    error_message = "The name of an attachment has capitals, digits and underscores, and no _URL at its end, such as CACHE."
  }
}

variable "consumers" {
  description = <<-EOT
    The other apps that use the store, under keys that you choose. The keys are part of the addresses of the attachments: as long as a key
    stays, so does its attachment. The keys must be known in the plan; the values may be known only after apply. Without
    `attachment_name`, an app has the same attachment name as the owner.
  EOT
  type = map(object({
    app_id          = string
    attachment_name = optional(string)
  }))
  default  = {}
  nullable = false

  validation {
    condition = alltrue([
      for consumer in values(var.consumers) :
      can(regex("^[A-Z][A-Z0-9_]+$", replace(coalesce(try(consumer.attachment_name, null), "REDIS"), "/_URL$/", "-")))
    ])
    error_message = "The name of an attachment has capitals, digits and underscores, and no _URL at its end, such as CACHE."
  }
}

variable "settings" {
  description = "Settings of the store. Omitted settings have Heroku's defaults. `timeout` is in seconds; 0 never closes an idle connection."
  type = object({
    maxmemory_policy       = optional(string)
    timeout                = optional(number)
    notify_keyspace_events = optional(string)
  })
  default  = {}
  nullable = false

  validation {
    condition     = try(coalesce(var.settings.timeout, 0) >= 0, true)
    error_message = "A timeout is a number of seconds, 0 or more."
  }
}

variable "version_floor" {
  description = "Lowest version that the store may run, such as `7.2`. Raising it upgrades the server, which cannot be undone."
  type        = string
  default     = null

  validation {
    condition     = can(regex("^[0-9]+(\\.[0-9]+)*$", coalesce(var.version_floor, "7")))
    error_message = "A version is written as 7.2, or as 7.2.4."
  }
}

variable "window" {
  description = "Weekly maintenance window of the store, in UTC: `{ day = \"Sunday\", time = \"02:30\" }`. If omitted, Heroku chooses the time."
  type = object({
    day  = string
    time = string
  })
  default = null

  validation {
    condition     = can(regex("(?i)^(sun|mon|tue|wed|thu|fri|sat)", try(var.window.day, "Sunday")))
    error_message = "The day of a maintenance window is a day of the week, such as Sunday."
  }

  validation {
    condition     = can(regex(":(00|30)", try(var.window.time, "02:30")))
    error_message = "A maintenance window begins at a full or a half hour in UTC, such as 02:30."
  }
}

variable "deletion_protection" {
  description = "Whether the provider refuses to destroy the store. To destroy the store, set this to `false` and apply first."
  type        = bool
  default     = true
  nullable    = false
}

variable "require_ready" {
  description = "Whether a run fails if `timeouts.create` expires before the store is ready. The store is kept, and the next apply waits for it. With `false`, such a run succeeds with a warning."
  type        = bool
  default     = true
  nullable    = false
}
