variable "app_id" {
  description = "Id of the app that owns the store before the move, in the Common Runtime. Keep the app until the store has moved, because destroying an app destroys its stores."
  type        = string
  nullable    = false
}

variable "space_id" {
  description = "Id of the Private Space that the app moves into, such as `kvs_private_space.prod.id`. Heroku cannot copy a store into a Shield Space."
  type        = string
  nullable    = false
}

variable "app_name" {
  description = "Name of the app in the space, which owns the store after the move. The first apply creates it, so that you can deploy it before the store moves."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,28}[a-z0-9]$", var.app_name))
    error_message = "The name of an app has 3 to 30 lower-case letters, digits and dashes, and starts with a letter, such as acme-orders-inside."
  }
}

variable "store_name" {
  description = "Name of the store, before and after the move."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z][A-Za-z0-9_-]+$", var.store_name))
    error_message = "The name of a store begins with a letter and goes on with letters, digits, dashes or underscores, such as acme-cache."
  }
}

variable "in_space" {
  description = "Whether the store is in the space. To migrate, apply with `false`, deploy the app in the space, and apply with `true`."
  type        = bool
  default     = false
  nullable    = false
}

variable "premium_plan" {
  description = "Plan of the store before the move."
  type        = string
  default     = "premium-0"

  validation {
    condition     = can(regex("^(heroku-redis:)?premium-", coalesce(var.premium_plan, "premium-0")))
    error_message = "The store moves from a premium plan, such as premium-0. A mini store has no persistence, so Heroku cannot copy it."
  }
}

variable "private_plan" {
  description = "Plan of the store in the space. The data must fit: the provider checks this in the plan."
  type        = string
  default     = "private-7"

  validation {
    condition     = can(regex("^(heroku-redis:)?private-", coalesce(var.private_plan, "private-7")))
    error_message = "A Private Space takes a private plan, such as private-7. Heroku cannot copy a store to a shield plan."
  }
}

variable "attachment_name" {
  description = "Name of the attachment: with `CACHE`, both apps have the URL of the store in the config var `CACHE_URL`."
  type        = string
  default     = "REDIS"

  validation {
    condition     = can(regex("^[A-Z][A-Z0-9_]+$", replace(coalesce(var.attachment_name, "REDIS"), "/_URL$/", "-")))
    error_message = "The name of an attachment has capitals, digits and underscores, and no _URL at its end, such as CACHE."
  }
}

variable "settings" {
  description = "Settings of the store. Omitted settings have Heroku's defaults. The module applies the settings to the new store, because Heroku's forks have the defaults."
  type = object({
    maxmemory_policy       = optional(string)
    timeout                = optional(number)
    notify_keyspace_events = optional(string)
  })
  default  = {}
  nullable = false
}

variable "quiet" {
  description = "Whether the apps are in maintenance mode, with no dyno running, while the data is copied. With `false`, writes during the copy are lost. Both are restored afterwards, even after a failure."
  type        = bool
  default     = true
  nullable    = false
}

variable "retire" {
  description = "What happens to the old store: `when_verified` keeps it unless its copy is proven, which is impossible from outside the space; `always` destroys it; `never` keeps it. Heroku charges for a store that is kept, and you can go back to it. When you have checked the new store, set this to `always` and apply."
  type        = string
  default     = "when_verified"

  validation {
    condition     = contains(["when_verified", "always", "never"], coalesce(var.retire, "when_verified"))
    error_message = "An old store is retired when_verified, always or never."
  }
}

variable "window" {
  description = "Weekly maintenance window of the store, in UTC: `{ day = \"Sunday\", time = \"02:30\" }`. It also applies after the move. If omitted, Heroku chooses the time."
  type = object({
    day  = string
    time = string
  })
  default = null

  validation {
    condition     = can(regex("(?i)^(sun|mon|tue|wed|thu|fri|sat)", try(var.window.day, "Sunday"))) && can(regex(":(00|30)", try(var.window.time, "02:30")))
    error_message = "A maintenance window begins on a day of the week at a full or a half hour in UTC: { day = \"Sunday\", time = \"02:30\" }."
  }
}

variable "deletion_protection" {
  description = "Whether the provider refuses to destroy the store. It does not stop the move. To destroy the store, set this to `false` and apply first."
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
