variable "plan" {
  description = "Plan of the store. A change is done in place within one runtime class, such as premium-0 to premium-1."
  type        = string
  default     = "premium-0"
}

variable "command" {
  description = "Shell command that is run once, with the URL of the store in REDIS_URL. None when null."
  type        = string
  default     = null
}
