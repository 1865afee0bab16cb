"""On whose authority commands of the trail run: the account must be allowed what the command does."""

from django.contrib.auth.models import User
from django.core.management.base import CommandError

from audit.visibility import may_audit


def auditor(name: str) -> User:
    """Return the account of somebody who may read the whole trail.

    Raises:
        CommandError: there is no such account, or it may not.
    """
    actor = _account(name)
    if not may_audit(actor=actor):
        raise CommandError(
            f"{name} may not read the whole trail: it is neither auditor nor superuser"
        )
    return actor


def superuser(name: str) -> User:
    """Return the account of an active superuser.

    Raises:
        CommandError: there is no such account, or it is none.
    """
    actor = _account(name)
    if not (actor.is_active and actor.is_superuser):
        raise CommandError(f"{name} is no superuser")
    return actor


def _account(name: str) -> User:
    actor = User.objects.filter(username=name).first()
    if actor is None:
        raise CommandError(f"there is no account {name!r}")
    return actor
