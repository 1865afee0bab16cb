"""The HTTP interface: what both vendors' endpoints share, the Opsera endpoint, operations."""
