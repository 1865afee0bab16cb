"""One module per environment; `base` holds what they share."""
