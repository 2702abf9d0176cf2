variable "plan" {
  description = "Plan of the store. A change within one runtime class, such as premium-0 to premium-1, is made in place."
  type        = string
  default     = "premium-0"
}

variable "command" {
  description = "Shell command to run once, with the URL of the store in REDIS_URL. With null, no command runs."
  type        = string
  default     = null
}
