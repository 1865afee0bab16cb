"""The batch pipeline: parse, resolve, authorize, plan, apply, record."""
