# Rules that Terraform and OpenTofu enforce without a policy engine. A violation stops the plan.

variable "change_reference" {
  description = "The reference of the approved change, such as CHG0012345."
  type        = string
  default     = null
}

variable "trusted_ranges" {
  type    = set(string)
  default = ["192.0.2.0/24"]
}

provider "kvs" {
  change_control = {
    reference = var.change_reference
  }
}

resource "kvs_private_space" "prod" {
  name = "acme-prod"
  team = "acme"

  lifecycle {
    postcondition {
      condition     = try(self.impact.method, null) != "transfer" || self.impact.reference != null
      error_message = "The space is transferred to another team, and there is no change reference."
    }
  }
}

resource "kvs_trusted_ip_ranges" "prod" {
  space_id = kvs_private_space.prod.id
  ranges   = { for range in var.trusted_ranges : range => {} }

  lifecycle {
    precondition {
      condition     = alltrue([for range in var.trusted_ranges : tonumber(split("/", range)[1]) >= 16])
      error_message = "A range is open to more than 65536 addresses."
    }
  }
}

resource "kvs_app" "web" {
  name     = "acme-orders"
  space_id = kvs_private_space.prod.id
}

resource "kvs_instance" "cache" {
  app_id = kvs_app.web.id
  plan   = "private-7"
  name   = "acme-orders-cache"

  lifecycle {
    # The state keeps the reference with the impact, so a later plan without changes needs no reference.
    postcondition {
      condition     = try(self.impact.data, null) != "lost" || self.impact.reference != null
      error_message = "Keys may be lost, and there is no change reference."
    }
    postcondition {
      condition     = self.maxmemory_policy == "noeviction"
      error_message = "Keys are dropped when the memory is full."
    }
    postcondition {
      condition     = self.monthly_price != null && try(self.monthly_price <= 1000, false)
      error_message = "The store costs more than $1000 a month, or its price is not published."
    }
  }
}
