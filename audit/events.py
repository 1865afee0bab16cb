"""Events: the public, versioned shape in which the trail is told to programs, one for each change.

An operation that changed nothing that has a history, such as a sign-in, is an event itself.

Whoever adds a key keeps the version; whoever changes what a key means counts it up, and says so in
`docs/reference/http-api-audit.md`.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from audit.differences import difference_data
from audit.masking import SECRET, masked
from audit.models import Operation
from audit.trail import ITSELF, Found


VERSION = 1

_VERBS = {"+": "added", "~": "changed", "-": "removed"}
_OF_OPERATION = (
    *("id", "kind", "state", "channel", "actor_name", "token_name", "request_id", "reason"),
    *("reverts_id", "created_at", "finished_at"),
)
# Which secrets were asked for is shown where they stand.
INTERNAL = frozenset({"sealed"})


class Events:
    """Makes events of changes; an operation is read once, however many changes it made."""

    def __init__(self) -> None:
        self._operations: dict[UUID, dict[str, Any]] = {}

    def of(self, page: Iterable[Found]) -> Iterator[dict[str, Any]]:
        """Yield an event for each change; nothing in it is a secret."""
        listed = list(page)
        wanted = {found.place.operation_id for found in listed}
        self._operations = {
            key: told for key, told in self._operations.items() if key in wanted
        } | read_operations(wanted - self._operations.keys())
        asked = read_asked({found.place.operation_id for found in listed if found.change is None})
        for found in listed:
            key = found.place.operation_id
            yield event_data(found, self._operations[key], asked.get(key))


def read_operations(keys: Iterable[UUID]) -> dict[UUID, dict[str, Any]]:
    """Return what events say of the operations, by key."""
    found = Operation.objects.filter(pk__in=list(keys)).only(*_OF_OPERATION)
    return {operation.pk: operation_summary(operation) for operation in found}


def read_asked(keys: Iterable[UUID]) -> dict[UUID, dict[str, Any]]:
    """Return what was asked for in the operations, and why it was refused, by key."""
    found = Operation.objects.filter(pk__in=list(keys)).only("parameters", "refusals")
    return {operation.pk: asked_data(operation) for operation in found}


def asked_data(operation: Operation) -> dict[str, Any]:
    """Return what was asked for, and why it was refused; nothing in it is a secret."""
    shown = {name: value for name, value in operation.parameters.items() if name not in INTERNAL}
    return {"parameters": masked(shown, mask=SECRET), "refusals": operation.refusals}


def operation_summary(operation: Operation) -> dict[str, Any]:
    """Return who did what, when, and through what."""
    return {
        "id": str(operation.pk),
        "kind": operation.kind,
        "state": operation.state,
        "channel": operation.channel,
        "actor": operation.actor_name,
        "token": operation.token_name or None,
        "request_id": operation.request_id,
        "reason": masked(operation.reason),
        "reverts": str(operation.reverts_id) if operation.reverts_id else None,
        "created_at": timestamp(operation.created_at),
        "finished_at": timestamp(operation.finished_at),
    }


def event_data(
    found: Found, operation: dict[str, Any], asked: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Return the event of a change; or of the operation itself, with what was asked for in it."""
    if found.change is None:
        return _of_operation(operation, asked or {})
    entry, differences = found.change
    return {
        "version": VERSION,
        "id": f"{entry.subject}:{entry.history_id}",
        "type": f"{entry.subject}.{_VERBS[entry.kind]}",
        "at": timestamp(entry.finished_at),
        "object": {"type": entry.subject, "id": entry.object_id, "name": entry.name},
        "project": entry.project,
        "task": entry.task,
        "role": entry.role,
        "operation": operation,
        "changes": [difference_data(difference) for difference in differences],
    }


def _of_operation(operation: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
    return {
        "version": VERSION,
        "id": f"{ITSELF}:{operation['id']}",
        "type": f"{ITSELF}.{operation['kind']}",
        "at": operation["finished_at"],
        "object": {"type": ITSELF, "id": operation["id"], "name": operation["kind"]},
        "project": None,
        "task": None,
        "role": None,
        "operation": operation,
        "changes": [],
        **asked,
    }


def timestamp(at: datetime | None) -> str | None:
    """Return the time as RFC 3339 has it."""
    return at.isoformat() if at else None
