"""Django's entry to the app."""

from typing import Any

from django.apps import AppConfig
from django.apps import apps as installed
from django.apps.registry import Apps
from django.contrib.auth.management import create_permissions
from django.db.models.signals import post_migrate  # noqa: TID251 - about schemas, not rows
from django.utils.module_loading import autodiscover_modules

from permissions.flags import Flag


# They add what they have to the registries of the apps to the right.
_REGISTERING = (
    *("changes", "authority", "effective", "project_undo", "subjects"),
    "verification",
)


class PermissionsConfig(AppConfig):
    """Who may."""

    name = "permissions"
    verbose_name = "Permissions"

    def ready(self) -> None:
        """Load what registers itself: changes, undo, answers to who may what, what the trail says."""
        autodiscover_modules(*_REGISTERING)
        post_migrate.connect(fill_permission_bits, sender=self)


def fill_permission_bits(*, using: str, apps: Apps = installed, **_: Any) -> None:
    """Tell the view which permission each flag stands for; without these rows nobody holds any.

    `apps` are the models as the migrations leave them: without this app's, there is nothing to fill.
    """
    try:
        bit = apps.get_model("permissions", "PermissionBit")
    except LookupError:
        return
    # Ours may run before Django's own, which makes the permissions that ours refers to.
    create_permissions(installed.get_app_config("tasks"), verbosity=0, using=using, apps=apps)
    permission = apps.get_model("auth", "Permission")
    ids = dict(
        permission.objects.using(using)
        .filter(content_type__app_label="tasks", content_type__model="task")
        .values_list("codename", "id")
    )
    bit.objects.using(using).bulk_create(
        (bit(permission_id=ids[flag.codename], bit=flag.bit) for flag in Flag),
        update_conflicts=True,
        unique_fields=["permission"],
        update_fields=["bit"],
    )
