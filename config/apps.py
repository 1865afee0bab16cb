"""Composition: the app that puts the other three together, and the commands that run it."""

from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class ConfigAppConfig(AppConfig):
    """The outermost app; nobody imports it."""

    name = "config"
    verbose_name = "Bulkhead"
    default = True


class BulkheadAdminConfig(admin_apps.AdminConfig):
    """Django's admin, on a site of our own."""

    default_site = "config.admin_site.BulkheadAdminSite"
    default = False
