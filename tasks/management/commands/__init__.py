"""`manage.py load_task_types` and `manage.py import_tasks`."""
