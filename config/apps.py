"""Composition: the app that puts the other three together, and the commands that run it."""

from django.apps import AppConfig


class ConfigAppConfig(AppConfig):
    """The outermost app; nobody imports it."""

    name = "config"
    verbose_name = "Bulkhead"
