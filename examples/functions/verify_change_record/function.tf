terraform {
  required_providers {
    kvs = {
      source = "terraform-kvs/kvs"
    }
  }
}

# In a configuration of its own: an apply that adds to the record would read another one than its plan. There is no file before
# the first change.
locals {
  file   = "${path.module}/kvs-changes.jsonl"
  record = provider::kvs::verify_change_record(fileexists(local.file) ? file(local.file) : "")
}

check "change_record" {
  assert {
    condition     = local.record.valid
    error_message = "Line ${coalesce(local.record.first_broken, 0)} of the record is not as it was written."
  }
  assert {
    condition     = length(local.record.unanswered) == 0
    error_message = "Look at Heroku what became of these writes: ${jsonencode(local.record.unanswered)}"
  }
}

# To be kept outside of the record, such as in the change ticket.
output "change_record" {
  value = {
    lines = local.record.lines
    head  = local.record.head
  }
}
