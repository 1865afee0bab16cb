"""`manage.py serve` and `manage.py prepare_demo`."""
