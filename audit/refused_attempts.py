"""Refused attempts: an operation for the first of an hour, a count for those like it.

Nobody fills the trail by asking again and again for what they do not get, and nobody's batch waits: what
was refused has been rolled back, and its locks are gone, before it is recorded.
"""

from typing import Any
from uuid import UUID

import structlog
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from audit import attempt_queries
from audit.models import Operation, RefusedAttempt, State


# After so many different attempts within an hour, an actor's are told apart by kind and reason alone.
MOST_DIFFERENT = 100
# Who has no account makes all such attempts together.
NOBODY = 0
# So many targets that stood in the way are kept with an attempt.
KEPT_REFUSALS = 1_000

logger = structlog.get_logger(__name__)


def record_refused(*, operation: Operation, same: str, alike: str) -> UUID | None:
    """Record the refused attempt, or count it with the one that it repeats; return that operation's id.

    `same` is a digest of everything that was asked for, `alike` one of its kind and of what was wrong. A
    database that cannot record does not hide from the caller why the attempt was refused: it is logged.
    """
    operation.state = State.REFUSED
    operation.finished_at = timezone.now()
    operation.refused = sum(1 for refusal in operation.refusals if refusal["target"])
    operation.refusals = operation.refusals[:KEPT_REFUSALS]
    try:
        with transaction.atomic():
            return _record(operation, same, alike)
    except DatabaseError:
        logger.exception("refusal_not_recorded", operation_kind=operation.kind)
        return None


def _record(operation: Operation, same: str, alike: str) -> UUID:
    actor_id = operation.actor_id or NOBODY
    hour = operation.created_at.replace(minute=0, second=0, microsecond=0)
    attempts = RefusedAttempt.objects.filter(actor_id=actor_id, hour=hour)
    if not attempts.filter(key=same).exists() and attempts.count() >= MOST_DIFFERENT:
        same = alike
    arguments: dict[str, Any] = {
        "operation": operation.pk,
        "actor": actor_id,
        "key": same,
        "at": operation.created_at,
    }
    with connection.cursor() as cursor:
        cursor.execute(attempt_queries.COUNT_ATTEMPT, arguments)
        (recorded,) = cursor.fetchone()
    if recorded == operation.pk:
        operation.save(force_insert=True)
    return UUID(str(recorded))
