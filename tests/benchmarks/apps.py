"""Django's entry to the app."""

from django.apps import AppConfig


class BenchmarksConfig(AppConfig):
    """Measurements, and guardian as most projects use it."""

    name = "tests.benchmarks"
    default_auto_field = "django.db.models.BigAutoField"
