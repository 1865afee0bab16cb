"""The one writer of set-based changes: rows and their history in a single SQL statement.

History columns are derived from the model and taken from `RETURNING`, so a history row written here
equals one written by `save()`, column by column, and can only say what the row really became.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.contrib.postgres.fields import ArrayField
from django.db import connection, models, transaction
from django.utils import timezone
from psycopg import sql
from psycopg.adapt import PyFormat

from audit.context import Origin, recording
from audit.models import Operation, State


_LENGTH = re.compile(r"\([0-9, ]+\)")


@dataclass(frozen=True, kw_only=True)
class Expression:
    """A column's new value as SQL over the present row, which goes by the name of `target`."""

    sql: sql.Composable
    arguments: Mapping[str, Any]


class RecordedCountDiffers(Exception):
    """The database changed another number of rows than was planned; everything rolls back."""

    def __init__(self, *, table: str, planned: int, recorded: int) -> None:
        super().__init__(f"{table}: {planned} rows were planned, {recorded} were recorded")


def new_operation(
    *,
    actor: User | None,
    kind: str,
    origin: Origin,
    at: datetime,
    parameters: Mapping[str, Any] | None = None,
    reason: str = "",
) -> Operation:
    """Return an operation that is not saved yet; only a refused attempt may be nobody's."""
    return Operation(
        kind=kind,
        actor=actor,
        actor_name=actor.get_username() if actor else "",
        channel=origin.channel,
        token_id=origin.token_id,
        token_name=origin.token_name,
        request_id=origin.request_id,
        address=origin.address,
        user_agent=origin.user_agent[:300],
        parameters=dict(parameters or {}),
        reason=reason,
        created_at=at,
    )


@contextmanager
def administrative_operation(
    *,
    actor: User,
    kind: str,
    origin: Origin,
    parameters: Mapping[str, Any] | None = None,
    reason: str = "",
) -> Iterator[Operation]:
    """Record the single-object changes made inside under one operation, in one transaction.

    For what governs tasks (projects, roles, members, types, tokens); tasks and their permissions
    change through `tasks.batch` alone.
    """
    now = timezone.now()
    operation = new_operation(
        actor=actor, kind=kind, origin=origin, at=now, parameters=parameters, reason=reason
    )
    with transaction.atomic():
        with recording(operation):
            yield operation
        operation.state = State.APPLIED
        operation.started_at = now
        operation.save(force_insert=True)


def record_update(
    *,
    model: type[models.Model],
    operation: Operation,
    at: datetime,
    keys: Sequence[int],
    columns: Mapping[str, Sequence[Any] | Expression],
) -> int:
    """Set `columns` and insert the history rows; return their number.

    `columns` maps field names to one value per key, or to the expression that makes it. Values of JSON
    and array columns are JSON text. A model's `version`, and its `updated_at`, which becomes `at`,
    move with every recorded change. History rows are dated by the database.

    Raises:
        RecordedCountDiffers: a key names no row.
    """
    given = [name for name, new in columns.items() if not isinstance(new, Expression)]
    statement = sql.SQL(
        "WITH changed AS ("
        " UPDATE {table} AS target SET {assignments} {of_keys} RETURNING target.*) {history}"
    ).format(
        table=sql.Identifier(model._meta.db_table),
        assignments=_assignments(model, columns),
        of_keys=_of_keys(model, given),
        history=_history_insert(model, "~"),
    )
    arguments: dict[str, Any] = {"keys": list(keys), "at": at, **_history_arguments(operation)}
    for name, new in columns.items():
        own = new.arguments if isinstance(new, Expression) else {f"column_{name}": list(new)}
        arguments |= own
    return _execute(model=model, statement=statement, arguments=arguments, planned=len(keys))


def record_insert(
    *,
    model: type[models.Model],
    operation: Operation,
    columns: Mapping[str, Sequence[Any]],
) -> int:
    """Insert rows (field name → one value per row) and their history; return their number.

    Values of JSON and array columns are JSON text.

    Raises:
        RecordedCountDiffers: a row was not inserted.
    """
    names = list(columns)
    statement = sql.SQL(
        "WITH changed AS ("
        " INSERT INTO {table} ({columns}) SELECT {values} FROM {incoming} RETURNING *) {history}"
    ).format(
        table=sql.Identifier(model._meta.db_table),
        columns=sql.SQL(", ").join(_column(model, name) for name in names),
        values=sql.SQL(", ").join(_value(model, name) for name in names),
        incoming=_incoming(model, names, keyed=False),
        history=_history_insert(model, "+"),
    )
    rows = len(columns[names[0]])
    return _execute(
        model=model,
        statement=statement,
        arguments={
            **{f"column_{name}": list(values) for name, values in columns.items()},
            **_history_arguments(operation),
        },
        planned=rows,
    )


def _field(model: type[models.Model], name: str) -> Any:
    return model._meta.pk if name == "pk" else model._meta.get_field(name)


def _column(model: type[models.Model], name: str) -> sql.Identifier:
    return sql.Identifier(_field(model, name).column)


def _type(model: type[models.Model], name: str) -> sql.SQL:
    """Return the column's type without its length: a cast to a length would cut off what is too long."""
    field = _field(model, name)
    kind = field.rel_db_type(connection) if field.is_relation else field.db_type(connection)
    return sql.SQL(_LENGTH.sub("", kind))


def _travels_as_json(model: type[models.Model], name: str) -> bool:
    """Return whether the column's values are given as JSON text: an array of arrays is one array."""
    return isinstance(_field(model, name), models.JSONField | ArrayField)


def _value(model: type[models.Model], name: str) -> sql.Composable:
    column = sql.SQL("incoming.{}").format(_column(model, name))
    if isinstance(_field(model, name), ArrayField):
        column = sql.SQL("ARRAY(SELECT jsonb_array_elements_text({}::jsonb))").format(column)
    return sql.SQL("{}::{}").format(column, _type(model, name))


def _assignments(
    model: type[models.Model], columns: Mapping[str, Sequence[Any] | Expression]
) -> sql.Composed:
    """Return what the columns become, and what moves with every change."""
    assignments: list[sql.Composable] = [
        sql.SQL("{} = {}").format(
            _column(model, name),
            new.sql if isinstance(new, Expression) else _value(model, name),
        )
        for name, new in columns.items()
    ]
    own_fields = {field.name for field in model._meta.concrete_fields}
    if "version" in own_fields:
        assignments.append(sql.SQL("version = target.version + 1"))
    if "updated_at" in own_fields:
        assignments.append(sql.SQL("updated_at = %(at)s"))
    return sql.SQL(", ").join(assignments)


def _of_keys(model: type[models.Model], columns: Sequence[str]) -> sql.Composed:
    """Return the clauses that pick the rows.

    Joined, not `= ANY`: PostgreSQL 18 may skip through an index that keys only end, and take twice as long.
    """
    incoming = _incoming(model, columns)
    return sql.SQL("FROM {} WHERE target.{} = incoming.key").format(incoming, _column(model, "pk"))


def _incoming(
    model: type[models.Model], columns: Sequence[str], *, keyed: bool = True
) -> sql.Composed:
    """Return `unnest(…) AS incoming(…)`, an array for each column.

    Arrays travel in binary: as text, each quote in 10,000 JSON documents would be escaped by Python.
    """
    arrays: list[sql.Composed] = []
    names: list[sql.Composable] = []
    if keyed:
        keys = sql.Placeholder("keys", format=PyFormat.BINARY)
        arrays.append(sql.SQL("{}::bigint[]").format(keys))
        names.append(sql.Identifier("key"))
    for name in columns:
        kind = sql.SQL("text") if _travels_as_json(model, name) else _type(model, name)
        values = sql.Placeholder(f"column_{name}", format=PyFormat.BINARY)
        arrays.append(sql.SQL("{}::{}[]").format(values, kind))
        names.append(_column(model, name))
    return sql.SQL("unnest({}) AS incoming({})").format(
        sql.SQL(", ").join(arrays), sql.SQL(", ").join(names)
    )


def _history_insert(model: type[models.Model], history_type: str) -> sql.Composed:
    history = model.history.model  # type: ignore[attr-defined]  # added by the library
    columns = [history._meta.get_field(field.name).column for field in history.tracked_fields]
    listed = sql.SQL(", ").join(map(sql.Identifier, columns))
    return sql.SQL(
        "INSERT INTO {table} ({columns}, history_type, history_date, history_user_id, operation_id)"
        " SELECT {columns}, {type}, clock_timestamp(), %(history_user)s, %(operation)s FROM changed"
    ).format(
        table=sql.Identifier(history._meta.db_table),
        columns=listed,
        type=sql.Literal(history_type),
    )


def _history_arguments(operation: Operation) -> dict[str, Any]:
    return {"history_user": operation.actor_id, "operation": operation.pk}


def _execute(
    *,
    model: type[models.Model],
    statement: sql.Composed,
    arguments: Mapping[str, Any],
    planned: int,
) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, arguments)
        recorded: int = cursor.rowcount
    if recorded != planned:
        raise RecordedCountDiffers(table=model._meta.db_table, planned=planned, recorded=recorded)
    return recorded
