"""Who may: roles, matrices, the effective-permissions view and guardian on it, API tokens."""
