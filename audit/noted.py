"""What happened and is worth knowing, though it changed nothing that has a history.

It is an operation without rows of history, so that it stands in the same trail: found, told and sealed
like a change.
"""

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from audit.context import Origin
from audit.models import Operation, State
from audit.recorder import new_operation


def note_event(
    *, actor: User, kind: str, origin: Origin, parameters: Mapping[str, Any]
) -> Operation:
    """Record that it happened, now."""
    now = timezone.now()
    event = new_operation(actor=actor, kind=kind, origin=origin, at=now, parameters=parameters)
    event.state = State.APPLIED
    event.finished_at = now
    event.save(force_insert=True)
    return event
