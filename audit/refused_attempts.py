"""Refused attempts: an operation for the first of an hour, a count for those like it.

Nobody fills the trail by asking again and again for what they do not get, and nobody's batch waits: what
was refused has been rolled back, and its locks are gone, before it is recorded. Each kind of attempt has a
budget of its own, so that one that is made noisily does not hide another.
"""

import hashlib
import secrets
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import structlog
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from audit import attempt_queries
from audit.models import Operation, RefusedAttempt, State


# After so many different attempts of a kind within an hour, an actor's are told apart by reason alone;
MOST_DIFFERENT = 100
# Who has no account makes all such attempts together, from however many addresses.
MOST_OF_NOBODY = 1_000
NOBODY = 0
# So often an attempt is counted one by one; from then on by steps that grow with the count, each with a
# chance that is one to its size: right within about a tenth, and a million attempts write a thousand times.
COUNTED_SINGLY = 100
# So many targets that stood in the way are kept with an attempt.
KEPT_REFUSALS = 1_000
# And of what was asked for so many characters, of a name or a text the first ones: whoever is refused
# writes what they like.
KEPT_CHARACTERS = 100_000
KEPT_OF_TEXT = 1_000

logger = structlog.get_logger(__name__)


def attempt_key(*parts: str) -> str:
    """Return the digest that tells attempts apart, of parts that hold no secret."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def record_refused(*, operation: Operation, same: str, alike: str) -> UUID | None:
    """Record the refused attempt, or count it with the one that it repeats; return that operation's id.

    `same` is a digest of everything that was asked for, `alike` one of its kind and of what was wrong. A
    database that cannot record does not hide from the caller why the attempt was refused: it is logged.
    """
    operation.state = State.REFUSED
    operation.finished_at = timezone.now()
    operation.refused = sum(1 for refusal in operation.refusals if refusal["target"])
    operation.refusals = operation.refusals[:KEPT_REFUSALS]
    operation.parameters = _Kept().parameters(operation.parameters)
    operation.reason = operation.reason[:KEPT_OF_TEXT]
    try:
        with transaction.atomic():
            return _record(operation, same, alike)
    except DatabaseError:
        logger.exception("refusal_not_recorded", operation_kind=operation.kind)
        return None


class _Kept:
    """Keeps as much of what was asked for as there is room for, and says if that is not all."""

    def __init__(self) -> None:
        self._room = KEPT_CHARACTERS
        self._is_cut = False

    def parameters(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Return what is kept of the parameters."""
        kept: dict[str, Any] = self._of(asked)
        return {**kept, "incomplete": True} if self._is_cut else kept

    def _of(self, document: Any) -> Any:
        if isinstance(document, Mapping):
            return {
                self._text(name): self._of(value)
                for name, value in document.items()
                if self._has_room()
            }
        if isinstance(document, list | tuple):
            return [self._of(value) for value in document if self._has_room()]
        return self._text(document) if isinstance(document, str) else document

    def _has_room(self) -> bool:
        self._room -= 1
        self._is_cut |= self._room < 0
        return self._room >= 0

    def _text(self, text: str) -> str:
        kept = text[:KEPT_OF_TEXT]
        self._room -= len(kept)
        self._is_cut |= kept != text
        return kept


def _record(operation: Operation, same: str, alike: str) -> UUID:
    actor_id = operation.actor_id or NOBODY
    hour = operation.created_at.replace(minute=0, second=0, microsecond=0)
    of_hour = RefusedAttempt.objects.filter(actor_id=actor_id, hour=hour)
    found = {attempt.key: attempt for attempt in of_hour.filter(key__in=[same, alike])}
    key, times = same, 1
    if same not in found:
        most = MOST_DIFFERENT if operation.actor_id else MOST_OF_NOBODY
        if alike in found or of_hour.filter(kind=operation.kind).count() >= most:
            key = alike
    if former := found.get(key):
        times = max(1, former.times // COUNTED_SINGLY)
        if secrets.randbelow(times):
            return former.operation_id
    return _count(operation, actor_id=actor_id, key=key, times=times)


def _count(operation: Operation, *, actor_id: int, key: str, times: int) -> UUID:
    arguments: dict[str, Any] = {
        "operation": operation.pk,
        "actor": actor_id,
        "kind": operation.kind,
        "key": key,
        "at": operation.created_at,
        "times": times,
    }
    with connection.cursor() as cursor:
        cursor.execute(attempt_queries.COUNT_ATTEMPT, arguments)
        (recorded,) = cursor.fetchone()
    if recorded == operation.pk:
        operation.save(force_insert=True)
    return UUID(str(recorded))
