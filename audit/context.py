"""The operation that changes are recorded under, and where it came from.

A tracked row cannot be written without one: the history row's `operation` has no other default.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from uuid import UUID

from django.db import connection

from audit.models import Channel, Operation


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request came in; copied onto its operation."""

    channel: Channel
    request_id: str = ""
    address: str | None = None
    user_agent: str = ""
    token_id: int | None = None
    token_name: str = ""


_current: ContextVar[Operation | None] = ContextVar("operation", default=None)

_NAME_OPERATION_SQL = """
SELECT set_config('bulkhead.operation', %(operation)s, true),
       set_config('bulkhead.actor', %(actor)s, true)
"""


def current_operation() -> Operation | None:
    """Return the operation that is being recorded, if any."""
    return _current.get()


def current_operation_id() -> UUID | None:
    """Return its id, the default of every history row's `operation`."""
    operation = _current.get()
    return operation.pk if operation else None


@contextmanager
def recording(operation: Operation) -> Iterator[Operation]:
    """Name `operation` to Python and to the database's triggers, in the open transaction."""
    _name_to_database(operation)
    token = _current.set(operation)
    try:
        yield operation
    finally:
        _current.reset(token)
    # After an error there is nothing to take back: the transaction takes the name with it.
    _name_to_database(_current.get())


def _name_to_database(operation: Operation | None) -> None:
    names = {
        "operation": str(operation.pk) if operation else "",
        "actor": str(operation.actor_id or "") if operation else "",
    }
    with connection.cursor() as cursor:
        cursor.execute(_NAME_OPERATION_SQL, names)
