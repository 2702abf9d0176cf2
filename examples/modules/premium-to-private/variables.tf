variable "app_id" {
  description = "Id of the app that has had the store so far, in the Common Runtime. It stays until the store has moved, because destroying an app destroys its stores."
  type        = string
  nullable    = false
}

variable "space_id" {
  description = "Id of the Private Space that the app moves into, such as `kvs_private_space.prod.id`. Heroku copies no store into a Shield Space."
  type        = string
  nullable    = false
}

variable "app_name" {
  description = "Name of the app in the space, which takes over. It is there from the first apply on, so that it can be deployed before the store moves."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,28}[a-z0-9]$", var.app_name))
    error_message = "The name of an app has 3 to 30 lower-case letters, digits and dashes, and starts with a letter, such as acme-orders-inside."
  }
}

variable "store_name" {
  description = "Name of the store. The new one has it, too."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z][A-Za-z0-9_-]+$", var.store_name))
    error_message = "The name of a store begins with a letter and goes on with letters, digits, dashes or underscores, such as acme-cache."
  }
}

variable "in_space" {
  description = "Whether the store has moved into the space. Apply with `false`, deploy the app in the space, and apply with `true`: that is the migration."
  type        = bool
  default     = false
  nullable    = false
}

variable "premium_plan" {
  description = "Plan of the store before it moves."
  type        = string
  default     = "premium-0"

  validation {
    condition     = can(regex("^(heroku-redis:)?premium-", coalesce(var.premium_plan, "premium-0")))
    error_message = "The store moves from a premium plan, such as premium-0. A mini has no persistence, and cannot be copied from."
  }
}

variable "private_plan" {
  description = "Plan of the store in the space. The data has to fit: what is in the store is compared with it when the plan is made."
  type        = string
  default     = "private-7"

  validation {
    condition     = can(regex("^(heroku-redis:)?private-", coalesce(var.private_plan, "private-7")))
    error_message = "A Private Space takes a private plan, such as private-7. Heroku copies no store to a shield plan."
  }
}

variable "attachment_name" {
  description = "Name of the attachment: with `CACHE`, both apps find the store in the config var `CACHE_URL`."
  type        = string
  default     = "REDIS"

  validation {
    condition     = can(regex("^[A-Z][A-Z0-9_]+$", replace(coalesce(var.attachment_name, "REDIS"), "/_URL$/", "-")))
    error_message = "The name of an attachment has capitals, digits and underscores, and no _URL at its end, such as CACHE."
  }
}

variable "settings" {
  description = "Settings of the store; what is left out is Heroku's default. They move along: Heroku's own forks have the defaults."
  type = object({
    maxmemory_policy       = optional(string)
    timeout                = optional(number)
    notify_keyspace_events = optional(string)
  })
  default  = {}
  nullable = false
}

variable "quiet" {
  description = "Whether the apps are in maintenance mode, with no dyno running, while the data is copied. Without it, what is written meanwhile is lost. Both are put back afterwards, also after a failure."
  type        = bool
  default     = true
  nullable    = false
}

variable "retire" {
  description = "What becomes of the old store: `when_verified` keeps it unless its copy was proven, which it cannot be from outside of the space; `always` destroys it; `never` keeps it. A kept store is paid for, and is the way back. Set it to `always`, and apply, when all is well."
  type        = string
  default     = "when_verified"

  validation {
    condition     = contains(["when_verified", "always", "never"], coalesce(var.retire, "when_verified"))
    error_message = "An old store is retired when_verified, always or never."
  }
}

variable "window" {
  description = "When Heroku maintains the store by itself each week, in UTC: `{ day = \"Sunday\", time = \"02:30\" }`. It moves along. Without it, Heroku decides."
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
  description = "Whether the provider refuses to destroy the store. It does not stop the move. Set it to `false`, and apply, before you destroy the store on purpose."
  type        = bool
  default     = true
  nullable    = false
}

variable "require_ready" {
  description = "Whether a run fails that ends before the store is ready, because `timeouts.create` has passed. What was ordered is kept, and the next apply waits for it. With `false` such a run succeeds, with a warning."
  type        = bool
  default     = true
  nullable    = false
}
