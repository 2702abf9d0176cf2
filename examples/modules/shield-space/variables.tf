variable "name" {
  description = "Name of the space, unique across Heroku."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9]+(-[a-z0-9]+)*$", var.name)) && length(var.name) >= 3
    error_message = "The name of a space has 3 or more lower-case letters, digits and single dashes, such as acme-shield."
  }
}

variable "team" {
  description = "Team that the space belongs to. It must belong to an enterprise account."
  type        = string
  nullable    = false
}

variable "region" {
  description = "Region of the space, such as `virginia` or `frankfurt`. It cannot be changed later."
  type        = string
  default     = "virginia"
}

variable "cidr" {
  description = "Network of the dynos. It cannot be changed later, and must not overlap a network that the space will be peered with."
  type        = string
  default     = "10.0.0.0/16"

  validation {
    condition     = can(cidrhost(coalesce(var.cidr, "10.0.0.0/16"), 0))
    error_message = "The network of the dynos is an IPv4 range such as 10.40.0.0/16."
  }
}

variable "data_cidr" {
  description = "Network of the stores. It cannot be changed later."
  type        = string
  default     = "172.23.0.0/20"

  validation {
    condition     = can(cidrhost(coalesce(var.data_cidr, "172.23.0.0/20"), 0))
    error_message = "The network of the stores is an IPv4 range such as 172.24.0.0/20."
  }
}

variable "trusted_ranges" {
  description = "Trusted IPv4 ranges of the space, each with a description. Clients outside these ranges cannot reach the apps."
  type        = map(string)
  nullable    = false

  validation {
    condition     = alltrue([for range in keys(var.trusted_ranges) : can(cidrhost(range, 0))])
    error_message = "A trusted range is an IPv4 range such as 192.0.2.0/24, or 192.0.2.17/32 for one address."
  }

  validation {
    condition     = alltrue([for range in keys(var.trusted_ranges) : !endswith(range, "/0")])
    error_message = "0.0.0.0/0 admits the whole internet. A Shield Space names those who may reach it."
  }
}

variable "log_drain_url" {
  description = "Where the space sends its logs, such as `https://user:password@logs.example.com`. No plan or state contains the URL, so you must pass it to every plan. A Shield Space without it fails the check `logs`."
  type        = string
  default     = null
  sensitive   = true
  ephemeral   = true

  validation {
    condition     = can(regex("^https://", coalesce(var.log_drain_url, "https://")))
    error_message = "The log drain of a space is an https:// URL."
  }

  validation {
    condition     = (coalesce(var.log_drain_url, "none") == "none") == (var.log_drain_version == null)
    error_message = "Set log_drain_url and log_drain_version together: the URL is not stored, and the version shows when it has changed."
  }
}

variable "log_drain_version" {
  description = "Version number of the log drain's URL. Raise it when the URL changes: the URL itself is not stored, so the provider detects a change only by this number."
  type        = number
  default     = null
}

variable "apps" {
  description = "The apps of the space, by name. An app with `internal_routing` can be reached only from within the space."
  type = map(object({
    internal_routing = optional(bool, false)
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for name in keys(var.apps) : can(regex("^[a-z][a-z0-9-]{1,28}[a-z0-9]$", name))])
    error_message = "The name of an app has 3 to 30 lower-case letters, digits and dashes, and starts with a letter, such as acme-orders."
  }
}

variable "stores" {
  description = <<-EOT
    The stores of the space, by name. `app` is the app in `apps` that owns the store. The owner and the apps in `consumers` have the
    URL of the store in the config var of `attachment_name`.
  EOT
  type = map(object({
    app              = string
    plan             = optional(string)
    attachment_name  = optional(string)
    consumers        = optional(set(string), [])
    maxmemory_policy = optional(string)
    version_floor    = optional(string)
  }))
  default  = {}
  nullable = false

  validation {
    condition = alltrue([
      for store in values(var.stores) : alltrue([for app in concat([store.app], tolist(store.consumers)) : contains(keys(var.apps), app)])
      if store != null
    ])
    error_message = "A store belongs to an app of this space: app and consumers must be names of apps in apps."
  }

  validation {
    condition     = alltrue([for store in values(var.stores) : can(regex("^(heroku-redis:)?shield-", coalesce(store.plan, "shield-7"))) if store != null])
    error_message = "A Shield Space takes shield plans only, such as shield-7."
  }
}

variable "window" {
  description = "Weekly maintenance window of the stores, in UTC."
  type = object({
    day  = string
    time = string
  })
  default  = { day = "Sunday", time = "02:30" }
  nullable = false

  validation {
    condition     = can(regex("(?i)^(sun|mon|tue|wed|thu|fri|sat)", var.window.day)) && can(regex(":(00|30)", var.window.time))
    error_message = "A maintenance window begins on a day of the week at a full or a half hour in UTC: { day = \"Sunday\", time = \"02:30\" }."
  }
}

variable "deletion_protection" {
  description = "Whether the provider refuses to destroy the space and its stores. To destroy them, set this to `false` and apply first."
  type        = bool
  default     = true
  nullable    = false
}

variable "require_ready" {
  description = "Whether a run fails if `timeouts.create` expires before the space and its stores are ready. The space and the stores are kept, and the next apply waits for them. With `false`, such a run succeeds with a warning."
  type        = bool
  default     = true
  nullable    = false
}
