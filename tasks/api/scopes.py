"""Which scope a token needs to change something; a change's right on tasks decides."""

from collections.abc import Mapping

from tasks.batch.change import Change
from tasks.batch.revert import undoer_of


SETTINGS_WRITE = "settings:write"
PERMISSIONS_WRITE = "permissions:write"
TASKS_READ = "tasks:read"
TASKS_WRITE = "tasks:write"
AUDIT_READ = "audit:read"

_OF_RIGHT: Mapping[str, str] = {
    "change_task": SETTINGS_WRITE,
    "manage_task": PERMISSIONS_WRITE,
    "delete_task": TASKS_WRITE,
    "execute_task": TASKS_WRITE,
    "copy_task": TASKS_WRITE,
    "disable_task": TASKS_WRITE,
}


def scope_of_kind(kind: str) -> str | None:
    """Return the scope that it takes to make, or undo, changes of this kind; None if nobody can."""
    doer = Change.of_kind(kind) or undoer_of(kind)
    return _OF_RIGHT[doer.right] if doer else None
