"""What the trail says of a row of history: which object it is about, and what changed of it.

This app knows none of the tracked models. The apps that own them register a subject for each, whose SQL
reads what a row says in words that hold when the object is gone. Reading is set-based: one statement
per subject for as many rows as are asked for.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

from django.db import connection
from psycopg import sql

from audit.differences import Difference


ADDED, CHANGED, REMOVED = "+", "~", "-"
VERBS = {ADDED: "added", CHANGED: "changed", REMOVED: "removed"}


class Entry(NamedTuple):
    """A row of history: the object that it is about, and what was known of it after and before.

    `project` and `task` are ids as callers know them, and `role` a code.
    """

    subject: str
    history_id: int
    kind: str
    object_id: str
    name: str
    project: str | None
    task: str | None
    role: int | None
    after: Mapping[str, Any]
    before: Mapping[str, Any]
    operation_id: UUID
    finished_at: datetime


class Change(NamedTuple):
    """A row of history with the differences that it made."""

    entry: Entry
    differences: Sequence[Difference]


def plain_changes(entries: Iterable[Entry]) -> Iterator[Change]:
    """Yield each row with the values that differ: all of them, of what was added or removed."""
    for entry in entries:
        yield Change(entry, list(plain_differences(entry)))


def plain_differences(entry: Entry) -> Iterator[Difference]:
    """Yield the values of the row that differ, of those whose names are places."""
    for place, value in entry.after.items():
        if not place.startswith("/"):
            continue
        if entry.kind == CHANGED:
            if entry.before[place] != value:
                yield Difference(place, _as_json(entry.before[place]), _as_json(value))
        elif value is not None:
            side = "after" if entry.kind == ADDED else "before"
            yield Difference(place, **{side: _as_json(value)})


def _as_json(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


_NONE = sql.SQL("")
# Rows of history, by their numbers.
_NUMBERED = sql.SQL("""
FROM {history} AS entry
JOIN audit_operation AS operation ON operation.id = entry.operation_id
{rest}
WHERE entry.history_id = ANY(%s::bigint[])
{conditions}
""")

# Rows of operations, each operation with the numbers of its first and last one. That these lie between
# two numbers is said twice: the second time for the planner, who then knows which months to look into.
_OF_OPERATIONS = sql.SQL("""
FROM {operations}
JOIN {history} AS entry
  ON entry.operation_id {is_same} operation.id
 AND entry.history_id BETWEEN operation.first AND operation.last
{rest}
WHERE entry.history_id BETWEEN {first} AND {last}
{conditions}
""")
# Of each operation some rows: it is looked at until so many have met the conditions.
_SOME = sql.SQL("""
SELECT found.*
FROM {operations}
CROSS JOIN LATERAL (
    {select}
    FROM {history} AS entry
    {rest}
    WHERE entry.operation_id = operation.id
      AND entry.history_id BETWEEN operation.first AND operation.last
    {conditions}
    LIMIT %s
) AS found
""")
_IN_ORDER = sql.SQL("ORDER BY entry.history_id")
# Rows of one operation in their order are read by their numbers, so that a part of a large operation
# costs no more than it has rows. By the operation, which no index helps to compare so, all would be read.
_EQUALS, _EQUALS_UNINDEXED = sql.SQL("="), sql.SQL("IS NOT DISTINCT FROM")
_MANY = sql.SQL("""
unnest(%s::uuid[], %s::timestamptz[], %s::bigint[], %s::bigint[])
    WITH ORDINALITY AS operation (id, finished_at, first, last, place)
""")
# Known to be one, so that its rows need not be sorted.
_ONE = sql.SQL("""
(
    SELECT (%s::uuid[])[1], (%s::timestamptz[])[1], (%s::bigint[])[1], (%s::bigint[])[1], 1
) AS operation (id, finished_at, first, last, place)
""")
# Of rows of one operation after the other, only its place among them travels.
_PLACE = sql.SQL("operation.place")
_OPERATION = sql.SQL("operation.id, operation.finished_at")

_SELECT = sql.SQL("""
SELECT entry.history_id, entry.history_type, {identity}, {label}, {project}, {task}, {role},
       {after}, {before}, {operation}
""")
# So many columns come before the values.
_KNOWN = 7
_REST = sql.SQL("""
LEFT JOIN LATERAL (
    SELECT former.*
    FROM {history} AS former
    WHERE former.{key} = entry.{key}
      AND former.history_id < entry.history_id
    ORDER BY former.history_id DESC
    LIMIT 1
) AS former ON entry.history_type = '~'
{joins}
""")


class Rows(NamedTuple):
    """Rows of operations: for each operation when it was finished, and its first and last row's number."""

    operations: Sequence[UUID]
    finished: Sequence[datetime | None]
    firsts: Sequence[int]
    lasts: Sequence[int]


@dataclass(frozen=True, kw_only=True)
class Subject:
    """How to read the history of one tracked model.

    The SQL is over `entry`, the row, `operation`, which wrote it, `former`, the object's row before it, and
    what `joins` adds; that of `values` is over `{row}`, which is the row or the one before it.
    `task_column` names the column by which rows of a task are found, `settings` the one whose places
    filters ask for; `flags` is true of the rows that may give or take flags of roles.
    """

    name: str
    history: LiteralString
    identity: LiteralString
    label: LiteralString
    values: Mapping[str, LiteralString]
    key: LiteralString = "id"
    joins: LiteralString = ""
    project: LiteralString = ""
    task: LiteralString = ""
    role: LiteralString = ""
    task_column: LiteralString = ""
    settings: LiteralString = ""
    flags: LiteralString = ""
    # Takes rows one by one or all at once, as it needs them.
    changes: Callable[[Iterable[Entry]], Iterator[Change]] = field(default=plain_changes)

    def read(
        self,
        history_ids: Sequence[int],
        conditions: sql.Composable = _NONE,
        arguments: Sequence[Any] = (),
    ) -> list[Entry]:
        """Return the rows with these numbers that meet the conditions, with what was before them."""
        source = _NUMBERED.format(
            history=sql.Identifier(self.history), rest=self._rest, conditions=conditions
        )
        with connection.cursor() as cursor:
            cursor.execute(self._select(_OPERATION) + source, [list(history_ids), *arguments])
            return [self._entry(row, *row[-2:]) for row in cursor.fetchall()]

    def statement(
        self,
        *,
        rows: Rows,
        conditions: sql.Composable,
        is_ordered: bool = False,
    ) -> sql.Composed:
        """Return the statement that reads rows of operations; its parameters are those of `rows` first.

        In the order of their numbers it reads those of a single operation.
        """
        return sql.Composed(
            [
                self._select(_PLACE),
                _OF_OPERATIONS.format(
                    history=sql.Identifier(self.history),
                    rest=self._rest,
                    operations=_ONE if is_ordered else _MANY,
                    is_same=_EQUALS_UNINDEXED if is_ordered else _EQUALS,
                    first=sql.Literal(min(rows.firsts)),
                    last=sql.Literal(max(rows.lasts)),
                    conditions=conditions,
                ),
                _IN_ORDER if is_ordered else _NONE,
            ]
        )

    def statement_of_some(self, *, conditions: sql.Composable) -> sql.Composed:
        """Return the statement that reads some rows of each operation, in no order.

        Its parameters are those of `Rows`, of the conditions, and how many rows at most.
        """
        return _SOME.format(
            operations=_MANY,
            select=self._select(_PLACE),
            history=sql.Identifier(self.history),
            rest=self._rest,
            conditions=conditions,
        )

    def entries(self, read: Iterable[tuple[Any, ...]], *, rows: Rows) -> Iterator[Entry]:
        """Yield what the statement has read of rows of operations."""
        operations = list(zip(rows.operations, rows.finished, strict=True))
        for row in read:
            yield self._entry(row, *operations[row[-1] - 1])

    def _entry(self, row: tuple[Any, ...], operation_id: UUID, finished_at: datetime) -> Entry:
        before = _KNOWN + len(self.values)
        known = (
            self.name,
            *row[:_KNOWN],
            dict(zip(self.values, row[_KNOWN:before], strict=True)),
            dict(zip(self.values, row[before : before + len(self.values)], strict=True)),
            operation_id,
            finished_at,
        )
        return Entry._make(known)

    def _select(self, operation: sql.SQL) -> sql.Composed:
        return _SELECT.format(
            identity=sql.SQL(self.identity),
            label=sql.SQL(self.label),
            project=sql.SQL(self.project or "NULL::text"),
            task=sql.SQL(self.task or "NULL::text"),
            role=sql.SQL(self.role or "NULL::integer"),
            after=self._values_of("entry"),
            before=self._values_of("former"),
            operation=operation,
        )

    @cached_property
    def _rest(self) -> sql.Composed:
        return _REST.format(
            history=sql.Identifier(self.history),
            key=sql.Identifier(self.key),
            joins=sql.SQL(self.joins),
        )

    def _values_of(self, alias: str) -> sql.Composed:
        row = sql.Identifier(alias)
        return sql.SQL(", ").join(sql.SQL(value).format(row=row) for value in self.values.values())


_registered: dict[str, Subject] = {}


def register_subject(subject: Subject) -> None:
    """Let the trail tell of a tracked model."""
    _registered[subject.name] = subject


def subject_named(name: str) -> Subject:
    """Return the subject of this name."""
    return _registered[name]


def subjects() -> list[Subject]:
    """Return every subject, in the order in which the rows of an operation are told."""
    return [_registered[name] for name in sorted(_registered)]
