"""Events: the public, versioned shape in which the trail is told to programs, one for each change.

An operation that changed nothing that has a history, such as a sign-in, is an event itself.

Whoever adds a key keeps the version; whoever changes what a key means counts it up, and says so in
`docs/reference/http-api-audit.md`.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

from audit.differences import as_json, differences_text
from audit.masking import SECRET, masked
from audit.models import Operation
from audit.reading import ITSELF, Found


VERSION = 1

_VERBS = {"+": "added", "~": "changed", "-": "removed"}
# Which secrets were asked for is shown where they stand.
INTERNAL = frozenset({"sealed"})


class Event(NamedTuple):
    """An event, what it says of its operation, and that as JSON, which many events share."""

    data: dict[str, Any]
    operation: dict[str, Any]
    operation_text: str
    changes_text: str

    @property
    def text(self) -> str:
        """The event as JSON."""
        head = as_json(self.data)[:-1]
        return f'{head},"operation":{self.operation_text},"changes":{self.changes_text}}}'


class Events:
    """Makes events of changes that come operation by operation."""

    def __init__(self) -> None:
        self._of: object = None
        self._operation: tuple[dict[str, Any], str] = ({}, "")
        self._differences: tuple[object, str] = (None, "")

    def of(self, found: Iterable[Found]) -> Iterator[Event]:
        """Yield an event for each change; nothing in it is a secret."""
        for each in found:
            yield Event(event_data(each), *self._told(each.operation), self._changes(each))

    def _told(self, operation: Operation) -> tuple[dict[str, Any], str]:
        if self._of is not operation:
            summary = operation_summary(operation)
            self._of, self._operation = operation, (summary, as_json(summary))
        return self._operation

    def _changes(self, found: Found) -> str:
        """Return the changes; a batch makes the same ones of many tasks' permissions."""
        differences = found.change.differences if found.change else ()
        if self._differences[0] is not differences:
            self._differences = differences, differences_text(differences)
        return self._differences[1]


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
        "address": operation.address,
        "user_agent": operation.user_agent or None,
        "counts": counts_of(operation),
        "created_at": timestamp(operation.created_at),
        "finished_at": timestamp(operation.finished_at),
        "duration": duration_of(operation),
    }


def counts_of(operation: Operation) -> dict[str, int]:
    """Return how many targets the operation had, and what became of them."""
    return {
        "targets": operation.targets,
        "changed": operation.changed,
        "unchanged": operation.unchanged,
        "refused": operation.refused,
    }


def duration_of(operation: Operation) -> float | None:
    """Return for how many seconds it ran, without waiting for the worker; None before its end."""
    if operation.finished_at is None:
        return None
    begun = operation.started_at or operation.created_at
    return max((operation.finished_at - begun).total_seconds(), 0.0)


def event_data(found: Found) -> dict[str, Any]:
    """Return what an event says besides its operation and its changes."""
    if found.change is None:
        return _of_operation(found.operation)
    entry = found.change.entry
    return {
        "version": VERSION,
        "id": f"{entry.subject}:{entry.history_id}",
        "type": f"{entry.subject}.{_VERBS[entry.kind]}",
        "at": timestamp(entry.finished_at),
        "object": {"type": entry.subject, "id": entry.object_id, "name": entry.name},
        "project": entry.project,
        "task": entry.task,
        "role": entry.role,
    }


def _of_operation(operation: Operation) -> dict[str, Any]:
    """Return the event of an operation itself, with what was asked for and why it was refused."""
    asked = {name: value for name, value in operation.parameters.items() if name not in INTERNAL}
    key = str(operation.pk)
    return {
        "version": VERSION,
        "id": f"{ITSELF}:{key}",
        "type": f"{ITSELF}.{operation.kind}",
        "at": timestamp(operation.finished_at),
        "object": {"type": ITSELF, "id": key, "name": operation.kind},
        "project": None,
        "task": None,
        "role": None,
        "parameters": masked(asked, mask=SECRET),
        "refusals": operation.refusals,
    }


def timestamp(at: datetime | None) -> str | None:
    """Return the time as RFC 3339 has it."""
    return at.isoformat() if at else None
