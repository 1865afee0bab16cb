"""Django's entry to the app."""

from django.apps import AppConfig


class TasksConfig(AppConfig):
    """What is governed."""

    name = "tasks"
    verbose_name = "Tasks"
