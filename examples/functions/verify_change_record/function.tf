terraform {
  required_providers {
    kvs = {
      source = "terraform-kvs/kvs"
    }
  }
}

# Use a separate configuration: an apply that adds to the record would read another content than its plan. The file does not exist
# before the first change.
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
    error_message = "Check at Heroku whether these writes took effect: ${jsonencode(local.record.unanswered)}"
  }
}

# Store this outside of the record, for example in the change ticket.
output "change_record" {
  value = {
    lines = local.record.lines
    head  = local.record.head
  }
}
