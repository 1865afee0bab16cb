"""What the trail says of a row of history: which object it is about, and what changed of it.

This app knows none of the tracked models. The apps that own them register a subject for each, whose SQL
reads what a row says in words that hold when the object is gone. Reading is set-based: one statement
per subject for as many rows as are asked for.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

from django.db import connection
from psycopg import sql

from audit.differences import Difference


ADDED, CHANGED, REMOVED = "+", "~", "-"


class Entry(NamedTuple):
    """A row of history: the object that it is about, and what was known of it after and before.

    `project` and `task` are ids as callers know them; `task_key` is the task's key, and `role` a code.
    """

    subject: str
    history_id: int
    kind: str
    recorded_at: datetime
    operation_id: UUID
    finished_at: datetime
    object_id: str
    name: str
    project: str | None
    task: str | None
    task_key: int | None
    role: int | None
    after: Mapping[str, Any]
    before: Mapping[str, Any]


def plain_differences(entries: Sequence[Entry]) -> list[list[Difference]]:
    """Return of each row the values that differ: all of them, of what was added or removed."""
    return [list(_plain(entry)) for entry in entries]


def _plain(entry: Entry) -> Iterator[Difference]:
    for place, value in entry.after.items():
        if entry.kind == CHANGED:
            if entry.before[place] != value:
                yield Difference(place, _as_json(entry.before[place]), _as_json(value))
        elif value is not None:
            side = "after" if entry.kind == ADDED else "before"
            yield Difference(place, **{side: _as_json(value)})


def _as_json(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


@dataclass(frozen=True, kw_only=True)
class Subject:
    """How to read the history of one tracked model.

    The SQL is over `entry`, the row, and what `joins` adds; that of `values` is over `{row}`, which is
    the row or the one before it. `task_column` names the column by which rows of a task are found.
    """

    name: str
    history: LiteralString
    identity: LiteralString
    label: LiteralString
    values: Mapping[str, LiteralString]
    key: LiteralString = "id"
    joins: LiteralString = ""
    project: LiteralString = "NULL::text"
    task: LiteralString = "NULL::text"
    role: LiteralString = "NULL::integer"
    task_column: LiteralString = ""
    differences: Callable[[Sequence[Entry]], Sequence[Sequence[Difference]]] = field(
        default=plain_differences
    )

    def read(self, history_ids: Sequence[int]) -> list[Entry]:
        """Return the rows with these keys, each with what the object was before it."""
        with connection.cursor() as cursor:
            cursor.execute(self._statement, {"ids": list(history_ids)})
            return [self._entry(row) for row in cursor.fetchall()]

    def _entry(self, row: tuple[Any, ...]) -> Entry:
        after = len(row) - 2 * len(self.values)
        before = len(row) - len(self.values)
        known = (
            self.name,
            *row[:after],
            dict(zip(self.values, row[after:before], strict=True)),
            dict(zip(self.values, row[before:], strict=True)),
        )
        return Entry._make(known)

    @cached_property
    def _statement(self) -> sql.Composed:
        return sql.SQL("""
            SELECT entry.history_id, entry.history_type, entry.history_date, entry.operation_id,
                   operation.finished_at, {identity}, {label}, {project}, {task}, {task_key}, {role},
                   {after}, {before}
            FROM {history} AS entry
            JOIN audit_operation AS operation ON operation.id = entry.operation_id
            LEFT JOIN LATERAL (
                SELECT former.*
                FROM {history} AS former
                WHERE former.{key} = entry.{key}
                  AND former.history_id < entry.history_id
                ORDER BY former.history_id DESC
                LIMIT 1
            ) AS former ON entry.history_type = '~'
            {joins}
            WHERE entry.history_id = ANY(%(ids)s::bigint[])
        """).format(
            identity=sql.SQL(self.identity),
            label=sql.SQL(self.label),
            project=sql.SQL(self.project),
            task=sql.SQL(self.task),
            task_key=sql.SQL("entry.{}").format(sql.Identifier(self.task_column))
            if self.task_column
            else sql.SQL("NULL::bigint"),
            role=sql.SQL(self.role),
            after=self._values_of("entry"),
            before=self._values_of("former"),
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


class Change(NamedTuple):
    """A row of history with the differences that it made."""

    entry: Entry
    differences: Sequence[Difference]


def read_changes(keys: Sequence[tuple[str, int]]) -> list[Change]:
    """Return the rows with these keys (subject and history id), in their order."""
    wanted: dict[str, list[int]] = {}
    for name, history_id in keys:
        wanted.setdefault(name, []).append(history_id)
    found: dict[tuple[str, int], Change] = {}
    for name, history_ids in wanted.items():
        subject = _registered[name]
        entries = subject.read(history_ids)
        for entry, differences in zip(entries, subject.differences(entries), strict=True):
            found[name, entry.history_id] = Change(entry, differences)
    return [found[key] for key in keys]
