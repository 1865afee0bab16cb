"""`manage.py create_api_token`."""
