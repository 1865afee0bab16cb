"""Django's entry to the app."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class PermissionsConfig(AppConfig):
    """Who may."""

    name = "permissions"
    verbose_name = "Permissions"

    def ready(self) -> None:
        """Load what registers itself: the changes, and the authority that the pipeline asks."""
        autodiscover_modules("changes", "authority")
