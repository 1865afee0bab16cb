"""The admin's pages of operations, and what all pages of the admin are made from."""

from audit.admin import operations as operations
