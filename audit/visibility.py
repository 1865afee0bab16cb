"""Who may read what happened: everyone their own operations, auditors all of it."""

from django.contrib.auth.models import User
from django.db.models import QuerySet

from audit.models import Operation


# The group that `migrate` makes; any user or group with the permission will do.
AUDITORS = "auditors"
VIEW_ALL = "audit.view_operation"


def may_audit(*, actor: User) -> bool:
    """Return whether the actor may read all operations and all history."""
    return actor.has_perm(VIEW_ALL)


def visible_operations(*, actor: User) -> QuerySet[Operation]:
    """Return the operations that the actor may read."""
    if may_audit(actor=actor):
        return Operation.objects.all()
    return Operation.objects.filter(actor=actor) if actor.is_active else Operation.objects.none()
