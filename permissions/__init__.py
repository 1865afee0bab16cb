"""Who may: roles, matrices, the effective permissions, and API tokens."""
