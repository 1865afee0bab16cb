"""API tokens and what is kept for them.

Declared here, and made models of the app by `permissions.models`.
"""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from audit.history import tracked


_NAME_TAKEN = (
    "There is a token of this name already. A token is shown only once: if you have not seen it, revoke"
    " it and make another."
)


class Scope(models.TextChoices):
    """What a token may be used for; never more than its owner may."""

    SETTINGS_WRITE = "settings:write", "change settings of tasks"
    PERMISSIONS_WRITE = "permissions:write", "change permissions of tasks"
    TASKS_READ = "tasks:read", "read tasks and operations"
    TASKS_WRITE = "tasks:write", "create, copy, enable and remove tasks"
    AUDIT_READ = "audit:read", "read the audit trail"


class ApiToken(models.Model):
    """A token of a user, narrower than the user; only a digest of it is stored, and rows stay for ever."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="api_tokens"
    )
    name = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    hint = models.CharField(max_length=8, editable=False)
    scopes = ArrayField(models.CharField(max_length=30, choices=Scope.choices))
    networks = ArrayField(models.CharField(max_length=43), default=list, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, editable=False)
    last_used_at = models.DateTimeField(null=True, editable=False)
    last_used_address = models.GenericIPAddressField(null=True, editable=False)
    # Where it was used from, oldest first; a network where one caller has many addresses.
    known_addresses = ArrayField(
        models.CharField(max_length=43), default=list, db_default=[], editable=False
    )

    history = tracked(
        excluded_fields=("digest", "last_used_at", "last_used_address", "known_addresses")
    )

    class Meta:
        verbose_name = "API token"
        constraints = (
            models.UniqueConstraint(
                fields=["owner", "name"],
                condition=Q(revoked_at__isnull=True),
                name="token_name_of_owner",
                violation_error_message=_NAME_TAKEN,
            ),
        )

    def __str__(self) -> str:
        return f"{self.name} of {self.owner}"


class TokenAllowance(models.Model):
    """When a token's bucket of requests is full again.

    The table is UNLOGGED: each request writes it, without waiting for the disk, and after a crash of
    the database the buckets are full.
    """

    token_id = models.BigIntegerField(primary_key=True)
    full_at = models.DateTimeField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"token {self.token_id}: full at {self.full_at}"
