"""Django's entry to the app."""

from typing import Any

from django.apps import AppConfig, apps
from django.contrib.auth.management import create_permissions
from django.core.checks import Tags, register
from django.db.models.signals import post_migrate  # noqa: TID251 - about schemas, not rows

from audit.checks import check_guards, check_seal_keys
from audit.months import open_months_after_migrations


class AuditConfig(AppConfig):
    """What happened."""

    name = "audit"
    verbose_name = "Audit"

    def ready(self) -> None:
        """Register the system checks; see to the group of auditors and to the months of history."""
        register(check_guards, Tags.database)
        register(check_seal_keys, Tags.security)
        post_migrate.connect(open_months_after_migrations, sender=self)
        post_migrate.connect(make_auditors, sender=self)


def make_auditors(*, using: str, **_: Any) -> None:
    """Make the group whose members read everything that happened and change nothing."""
    # Ours may run before Django's own, which makes the permission.
    create_permissions(apps.get_app_config("audit"), verbosity=0, using=using)
    group, _created = (
        apps.get_model("auth", "Group").objects.using(using).get_or_create(name="auditors")
    )
    group.permissions.add(
        apps.get_model("auth", "Permission")
        .objects.using(using)
        .get(content_type__app_label="audit", codename="view_operation")
    )
