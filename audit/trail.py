"""The trail, read: operations that a filter leaves, and the changes that they made, newest first.

Operations are found by their own columns and by facets, all of them indexed. Changes are found through
their operations, or through the task that they are about; what a filter says of a single change
(project, role, flag, key of settings) is then asked of each. A finished operation without rows of history,
such as a sign-in, an export or a refused attempt, is told itself.

Auditors read everything. Everybody else reads what was done to the tasks that they may view, by
whomever, and their own operations.
"""

import re
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib.auth.models import User
from django.contrib.postgres.search import SearchQuery, SearchVector
from django.db import connection, transaction
from django.db.models import BooleanField, Q, QuerySet
from django.db.models.expressions import RawSQL
from psycopg import sql

from audit.differences import Difference, steps_of, value_at
from audit.facets import wanted_facets
from audit.models import Channel, Operation
from audit.queries import (
    Seen,
    Window,
    keys_by_operation,
    keys_by_task,
    operations_of_task,
    touches_task,
)
from audit.subjects import Change, read_changes, subjects


# So many rows of history are looked at in one go.
_CHUNK = 1000
# A page is given up on, and goes on with the next, after so many of them.
_MOST_CHUNKS = 6
_WORD = re.compile(r"\w+")


class By(StrEnum):
    """Who acts: people at a page or a terminal, or programs with a token."""

    PEOPLE = "people"
    AUTOMATION = "automation"


CHANNELS_OF: Mapping[str, Sequence[str]] = {
    By.PEOPLE: (Channel.ADMIN, Channel.COMMAND),
    By.AUTOMATION: (Channel.API,),
}


@dataclass(frozen=True, kw_only=True)
class Filter:
    """What is looked for; what is empty leaves everything.

    `task_id` is a task's key, `settings_key` a JSON pointer, `text` the beginnings of words, `flag` a
    vendor's name. From `since` on, and before `until`.
    """

    actor: str = ""
    project: str = ""
    task_id: int | None = None
    role: int | None = None
    flag: str = ""
    settings_key: str = ""
    kind: str = ""
    channel: str = ""
    by: str = ""
    state: str = ""
    request_id: str = ""
    text: str = ""
    operation_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None


class Place(NamedTuple):
    """A place in the list of operations: what follows it is older."""

    created_at: datetime
    operation_id: UUID


# Stands for the subject where an operation itself is told.
ITSELF = "operation"


class ChangePlace(NamedTuple):
    """A place in the list of changes: behind a row of history of an operation, or behind it itself."""

    created_at: datetime
    operation_id: UUID
    subject: str
    history_id: int


class Found(NamedTuple):
    """A change and its place in the list; None where an operation itself is told."""

    place: ChangePlace
    change: Change | None


@dataclass(frozen=True, kw_only=True)
class Sight:
    """What others than auditors see: tasks, as a query of their keys, and the ids of their projects."""

    tasks: QuerySet[Any]
    projects: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class Reader:
    """Who reads, what they see (None is everything), and what they look for.

    Operations that are `chosen` already are looked at instead of all.
    A task that is looked for is one that they may view: everything that was done to it is told.
    """

    actor: User
    sight: Sight | None
    wanted: Filter
    chosen: QuerySet[Operation] | None = None

    def operations(self) -> QuerySet[Operation]:
        """Return the operations that are left, in no order."""
        everything = Operation.objects.all() if self.chosen is None else self.chosen
        found = _filtered(everything, self.wanted)
        if self.wanted.task_id is not None:
            of_task = operations_of_task(subjects=subjects(), task_id=self.wanted.task_id)
            return found.filter(pk__in=RawSQL(of_task.as_string(), ()))  # noqa: S611
        return found if self.sight is None else self._seen(found, self.sight)

    def _seen(self, found: QuerySet[Operation], sight: Sight) -> QuerySet[Operation]:
        if self.wanted.project and self.wanted.project not in sight.projects:
            return found.filter(actor=self.actor)
        near = [f"project:{uid}" for uid in sight.projects]
        tasks, arguments = _of_query(sight.tasks)
        touching = touches_task(subjects=subjects(), tasks=tasks)
        times = sum(bool(subject.task_column) for subject in subjects())
        touched = RawSQL(touching.as_string(), [*arguments] * times, BooleanField())  # noqa: S611
        return found.filter(Q(actor=self.actor) | Q(facets__overlap=near) & Q(touched))


def read_operations(*, reader: Reader, after: Place | None, limit: int) -> list[Operation]:
    """Return a page of operations, newest first."""
    found = reader.operations().defer("requested", "refusals", "parameters")
    return list(_older(found, after).order_by("-created_at", "-pk")[:limit])


class Page(NamedTuple):
    """Some changes, fewer where few fit, and the place behind which to go on; None at the end."""

    found: list[Found]
    following: ChangePlace | None


def read_page(*, reader: Reader, after: ChangePlace | None, limit: int) -> Page:
    """Return a page of changes, newest operations first, having looked at so many rows at most."""
    page: list[Found] = []
    size = limit
    for _ in range(_MOST_CHUNKS):
        keys = _read_keys(reader, after, size)
        page += _told(keys, reader.wanted)
        if len(page) >= limit:
            return Page(page[:limit], page[limit - 1].place)
        if len(keys) < size:
            return Page(page, None)
        after, size = keys[-1], _CHUNK
    return Page(page, after)


def stream(*, reader: Reader) -> Generator[Found]:
    """Yield all changes, newest operations first, in flat memory."""
    statement, arguments = _keys(reader, None, limit=None)
    # The cursor sees one moment, and what it names never changes: history is append-only.
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(statement, arguments)
        names = _names()
        while rows := cursor.fetchmany(_CHUNK):
            yield from _told([_place(row, names) for row in rows], reader.wanted)


def _read_keys(reader: Reader, after: ChangePlace | None, limit: int) -> list[ChangePlace]:
    statement, arguments = _keys(reader, after, limit=limit)
    names = _names()
    with connection.cursor() as cursor:
        cursor.execute(statement, arguments)
        return [_place(row, names) for row in cursor.fetchall()]


def _names() -> list[str]:
    return [subject.name for subject in subjects()]


def _place(row: tuple[Any, ...], names: Sequence[str]) -> ChangePlace:
    created_at, operation_id, subject, history_id = row
    if subject is None:
        return ChangePlace(created_at, operation_id, ITSELF, 0)
    return ChangePlace(created_at, operation_id, names[subject], history_id)


def _keys(
    reader: Reader, after: ChangePlace | None, *, limit: int | None
) -> tuple[sql.Composed, list[Any]]:
    task_id = reader.wanted.task_id
    found = (
        reader.operations()
        if task_id is None
        else _filtered(Operation.objects.all(), reader.wanted)
    )
    found = _older(found, after and Place(*after[:2]), inclusive=True)
    found = found.filter(finished_at__isnull=False)
    # Rows of a task lead to their operations; in order, all operations would be walked instead.
    in_order = ("-created_at", "-pk") if task_id is None else ()
    operations, arguments = _of_query(
        found.order_by(*in_order).values_list("created_at", "id", "actor_id")
    )
    window = Window(is_behind=after is not None, is_limited=limit is not None)
    behind: list[Any] = []
    if after:
        number = -1 if after.subject == ITSELF else _names().index(after.subject)
        behind = [after.operation_id, number, after.history_id]
    limits = [] if limit is None else [limit]
    if task_id is not None:
        statement = keys_by_task(
            operations=operations, subjects=subjects(), window=window, task_id=task_id
        )
        return statement, [*arguments, *behind, *limits]
    seen: Seen | None = None
    seen_arguments: list[Any] = []
    if reader.sight is not None:
        tasks, of_tasks = _of_query(reader.sight.tasks)
        seen = Seen(actor_id=reader.actor.pk, tasks=tasks)
        seen_arguments = [*of_tasks] * sum(bool(subject.task_column) for subject in subjects())
    statement = keys_by_operation(
        operations=operations, subjects=subjects(), window=window, seen=seen
    )
    itself = behind[:1]
    return statement, [*arguments, *seen_arguments, *behind, *limits, *itself, *limits]


def _of_query(query: QuerySet[Any, Any]) -> tuple[sql.SQL, Sequence[Any]]:
    """Return Django's own statement, with its placeholders, and what they stand for."""
    text, arguments = query.query.sql_with_params()
    return sql.SQL(text), arguments


def _older(
    found: QuerySet[Operation], after: Place | None, *, inclusive: bool = False
) -> QuerySet[Operation]:
    if after is None:
        return found
    newer = Q(pk__gt=after.operation_id) if inclusive else Q(pk__gte=after.operation_id)
    return found.filter(created_at__lte=after.created_at).exclude(
        newer, created_at=after.created_at
    )


def _filtered(found: QuerySet[Operation], wanted: Filter) -> QuerySet[Operation]:
    columns: dict[str, Any] = {
        "pk": wanted.operation_id,
        "actor_name": wanted.actor,
        "kind": wanted.kind,
        "channel": wanted.channel,
        "channel__in": CHANNELS_OF.get(wanted.by),
        "state": wanted.state,
        "request_id": wanted.request_id,
        "created_at__gte": wanted.since,
        "created_at__lt": wanted.until,
    }
    facets = wanted_facets(
        project=wanted.project,
        role=wanted.role,
        flag=wanted.flag,
        settings_key=wanted.settings_key,
    )
    columns |= {"facets__contains": facets.all_of, "facets__overlap": facets.any_of}
    found = found.filter(**{name: value for name, value in columns.items() if value})
    return with_words(found, wanted.text)


def with_words(found: QuerySet[Operation], text: str) -> QuerySet[Operation]:
    """Return those in whose reason or names words begin as those of the text do."""
    words = _WORD.findall(text)
    if not words:
        return found
    looked_at = SearchVector("reason", "actor_name", "token_name", config="simple")
    beginnings = " & ".join(f"'{word}':*" for word in words)
    query = SearchQuery(beginnings, search_type="raw", config="simple")
    return found.alias(words=looked_at).filter(words=query)


def _told(keys: Sequence[ChangePlace], wanted: Filter) -> Iterator[Found]:
    """Yield the changes of the keys that the filter leaves."""
    rows = [(key.subject, key.history_id) for key in keys if key.subject != ITSELF]
    changes = iter(read_changes(rows))
    for key in keys:
        if key.subject == ITSELF:
            # What the filter says of operations is all that can be said of it.
            yield Found(key, None)
        elif _fits(change := next(changes), wanted):
            yield Found(key, change)


def _fits(change: Change, wanted: Filter) -> bool:
    entry = change.entry
    if wanted.project and entry.project != wanted.project:
        return False
    if (wanted.role is not None or wanted.flag) and not _is_of_role(change, wanted):
        return False
    return not wanted.settings_key or any(
        _touches(difference, f"/settings{wanted.settings_key}") for difference in change.differences
    )


def _is_of_role(change: Change, wanted: Filter) -> bool:
    if wanted.role is not None and not wanted.flag and change.entry.role == wanted.role:
        return True
    for difference in change.differences:
        kind, role, *flag = [*steps_of(difference.place), ""]
        if kind in {"roles", "own_roles"} and (
            wanted.role in {None, int(role)} and (not wanted.flag or wanted.flag == flag[0])
        ):
            return True
    return False


def _touches(difference: Difference, place: str) -> bool:
    """Return whether the difference is at the place, below it, or above it and about it."""
    if f"{difference.place}/".startswith(f"{place}/"):
        return True
    if not place.startswith(f"{difference.place}/"):
        return False
    rest = place.removeprefix(difference.place)
    return bool(value_at(difference.before, rest) != value_at(difference.after, rest))
