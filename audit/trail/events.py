"""Events: the public, versioned shape in which the trail is told to programs, one for each change.

An operation that changed nothing that has a history, such as a sign-in, is an event itself.

Whoever adds a key keeps the version; whoever changes what a key means counts it up, and says so in
`docs/reference/http-api-audit.md`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, cast

from audit.differences import Difference, as_json, differences_text
from audit.masking import MASK, SECRET, masked
from audit.models import Operation
from audit.trail.reading import ITSELF, Found
from audit.trail.subjects import VERBS, Entry


VERSION = 1

_EVENT = (
    f'{{"version":{VERSION},"id":%s,"type":%s,"at":%s,'
    '"object":{"type":%s,"id":%s,"name":%s},"project":%s,"task":%s,"role":%s,%s'
    '"operation":%s,"changes":%s}'
)
# Which secrets were asked for is shown where they stand.
_INTERNAL = frozenset({"sealed"})


class Itself(NamedTuple):
    """What an event says besides its operation and the changes."""

    id: str
    type: str
    at: str | None
    object_type: str
    object_id: str
    object_name: str
    project: str | None
    task: str | None
    role: int | None


class Event(NamedTuple):
    """An event: itself, its operation, and as JSON what many events share."""

    itself: Itself
    operation: Mapping[str, Any]
    operation_text: str
    changes_text: str
    # Of an operation that is told itself, what was asked for.
    asked_text: str = ""

    @property
    def text(self) -> str:
        """The event as JSON."""
        asked = f"{self.asked_text[1:-1]}," if self.asked_text else ""
        return _EVENT % (*map(as_json, self.itself), asked, self.operation_text, self.changes_text)


class Events:
    """Makes events of changes that come operation by operation."""

    def __init__(self) -> None:
        self._of: object = None
        self._operation: tuple[Mapping[str, Any], str] = ({}, "")
        self._differences: tuple[object, str] = (None, "")

    def of(self, found: Iterable[Found]) -> Iterator[Event]:
        """Yield an event for each change; nothing in it is a secret."""
        for operation, change in found:
            if self._of is not operation:
                summary = operation_summary(operation)
                self._of, self._operation = operation, (summary, as_json(summary))
            if change is None:
                yield Event(_operation_itself(operation), *self._operation, "[]", _asked(operation))
            else:
                told = self._changes(change.differences)
                yield Event(
                    _change_itself(change.entry, self._operation[0]), *self._operation, told
                )

    def _changes(self, differences: Sequence[Difference]) -> str:
        """Return the changes; a batch makes the same ones of many tasks' permissions."""
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


def counts_of(operation: Operation) -> dict[str, int | None]:
    """Return how many targets the operation had, and what became of them; None where that is not told."""
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


def _change_itself(entry: Entry, operation: Mapping[str, Any]) -> Itself:
    return Itself(
        f"{entry.subject}:{entry.history_id}",
        f"{entry.subject}.{VERBS[entry.kind]}",
        operation["finished_at"],
        entry.subject,
        entry.object_id,
        entry.name,
        entry.project,
        entry.task,
        entry.role,
    )


def _operation_itself(operation: Operation) -> Itself:
    key, kind = str(operation.pk), operation.kind
    at = timestamp(operation.finished_at)
    return Itself(f"{ITSELF}:{key}", f"{ITSELF}.{kind}", at, ITSELF, key, kind, None, None, None)


def _asked(operation: Operation) -> str:
    """Return what was asked for in an operation, and why it was refused."""
    told = {"parameters": asked_of(operation, mask=SECRET), "refusals": operation.refusals}
    return as_json(told)


def asked_of(operation: Operation, *, mask: Any = MASK) -> dict[str, Any]:
    """Return what was asked for in an operation, by the names of its parameters, without any secret."""
    asked = {name: value for name, value in operation.parameters.items() if name not in _INTERNAL}
    return cast("dict[str, Any]", masked(asked, mask=mask))


def timestamp(at: datetime | None) -> str | None:
    """Return the time as RFC 3339 has it."""
    return at.isoformat() if at else None
