"""The operation that changes are recorded under, and where it came from.

A tracked row cannot be written without one: the history row's `operation` has no other default.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from django.db import connection

from audit.address import client_address
from audit.models import Channel, Operation
from audit.request_id import request_id_of


class Received(Protocol):
    """A request, of Django or of the interfaces' framework."""

    @property
    def META(self) -> dict[str, Any]:  # noqa: N802  # Django's name
        """What the server says of it."""

    @property
    def headers(self) -> Any:
        """Its headers, by names in whatever case."""


class Token(Protocol):
    """What an operation says of the token that its request came with."""

    pk: int
    name: str


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request came in; copied onto its operation."""

    channel: Channel
    request_id: str = ""
    address: str | None = None
    user_agent: str = ""
    token_id: int | None = None
    token_name: str = ""

    @classmethod
    def of(cls, request: Received, *, channel: Channel, token: Token | None = None) -> "Origin":
        """Return where a request came in, with the token if it is known."""
        return cls(
            channel=channel,
            request_id=request_id_of(request),
            address=client_address(request.META),
            user_agent=request.headers.get("User-Agent", ""),
            token_id=token.pk if token else None,
            token_name=token.name if token else "",
        )


_current: ContextVar[Operation | None] = ContextVar("operation", default=None)

_NAME_OPERATION_SQL = """
SELECT set_config('bulkhead.operation', %(operation)s, true),
       set_config('bulkhead.actor', %(actor)s, true),
       set_config('bulkhead.recorder', %(recorder)s, true)
"""
_FINISH_OPERATION_SQL = """
SELECT audit_facets(%(finished)s::uuid),
       set_config('bulkhead.operation', %(operation)s, true),
       set_config('bulkhead.actor', %(actor)s, true),
       set_config('bulkhead.recorder', %(recorder)s, true),
       clock_timestamp()
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
    """Name `operation` to Python and to the database's triggers, in the open transaction.

    It is finished when the block is: what it did counts from then on, by the database's clock
    (`docs/explanation/time-travel.md`), and what it will be found by is read from its history.
    """
    _tell_database(_NAME_OPERATION_SQL, operation)
    token = _current.set(operation)
    try:
        yield operation
    finally:
        _current.reset(token)
    # After an error there is nothing to take back: the transaction takes the name with it.
    row = _tell_database(_FINISH_OPERATION_SQL, _current.get(), finished=str(operation.pk))
    operation.facets, *_, operation.finished_at = row


def _tell_database(
    statement: str, operation: Operation | None, **arguments: str
) -> tuple[Any, ...]:
    names = {
        "operation": str(operation.pk) if operation else "",
        "actor": str(operation.actor_id or "") if operation else "",
        # What is not written under an operation of ours is recorded by triggers.
        "recorder": "on" if operation else "",
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, {**names, **arguments})
        row: tuple[Any, ...] = cursor.fetchone()
    return row
