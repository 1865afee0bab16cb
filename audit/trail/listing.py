"""The list of operations: newest first, by page or as a stream.

An auditor finds an operation by what it did as a whole. Others find one of others by what it did to the
tasks that they may view: that it did something to hidden ones, too, no filter tells them.
"""

from collections import Counter
from collections.abc import Collection, Generator, Iterable, Sequence
from itertools import takewhile
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from audit.models import Operation
from audit.trail.fitting import Condition, condition_on, fitting, seen_condition
from audit.trail.reader import Place, Reader, read_newest
from audit.trail.subjects import Entry, Subject, subjects
from audit.trail.windows import Piece, read_pieces, rows_of


# So many operations are listed in one go for a stream.
_WINDOW = 1_000
# A page is given up on, and goes on with the next, after so many operations.
_MOST = 1_000
# Of each operation so many rows are looked at, then so many where none of them fits, and then all. A page
# has patience for that once.
_LOOKS = (2, 50)
_ALL = (None,)


class OperationsPage(NamedTuple):
    """Some operations, fewer where few fit, and the place behind which to go on; None at the end."""

    operations: list[Operation]
    following: Place | None


def read_operations(*, reader: Reader, after: Place | None, limit: int) -> OperationsPage:
    """Return a page of operations, newest first, having looked at so many at most."""
    found = reader.wanted_operations()
    page: list[Operation] = []
    for _ in range(0, _MOST, limit):
        listed = read_newest(reader=reader, found=found, after=after, limit=limit)
        told, decided = _decided(reader, listed) if reader.must_look else (listed, listed)
        page += told
        if len(page) >= limit:
            return OperationsPage(page[:limit], _behind(page[limit - 1]))
        if len(decided) < len(listed):
            return OperationsPage(page, _behind(decided[-1]))
        if len(listed) < limit:
            return OperationsPage(page, None)
        after = _behind(listed[-1])
    return OperationsPage(page, after)


def stream_operations(*, reader: Reader) -> Generator[Operation]:
    """Yield all operations, newest first, in flat memory."""
    found = reader.wanted_operations()
    after = None
    while listed := read_newest(reader=reader, found=found, after=after, limit=_WINDOW):
        after = _behind(listed[-1])
        if reader.must_look:
            told, _ = _told(reader, listed, (*_LOOKS, *_ALL))
            listed = [operation for operation in listed if operation.pk in told]
        yield from listed


def _decided(
    reader: Reader, listed: Sequence[Operation]
) -> tuple[Sequence[Operation], Sequence[Operation]]:
    """Return the operations that are told, and those of which that is known: all, or the first ones."""
    told, unknown = _told(reader, listed, _LOOKS)
    if listed and listed[0].pk in unknown:
        fit, _ = _by_projects(reader, listed[:1], _ALL)
        told |= fit
        unknown.remove(listed[0].pk)
    decided = list(takewhile(lambda operation: operation.pk not in unknown, listed))
    return [operation for operation in decided if operation.pk in told], decided


def _told(
    reader: Reader, listed: Sequence[Operation], looks: Sequence[int | None]
) -> tuple[set[UUID], set[UUID]]:
    """Return the reader's own operations, and those of others of which they are told a change.

    Also return of which that is not known after so many looks.
    """
    told = {operation.pk for operation in listed if operation.actor_id == reader.actor.pk}
    # What goes on has not said yet what it did.
    done = {each.pk: each for each in listed if each.finished_at and each.pk not in told}
    told |= _by_known_rows(reader, done)
    unknown: set[UUID] = set()
    if reader.wanted.task_id is None:
        fit, unknown = _by_projects(reader, [done[key] for key in done.keys() - told], looks)
        told |= fit
    return told, unknown


def _by_known_rows(reader: Reader, asked: Collection[UUID]) -> set[UUID]:
    """Return which operations did what is wanted to tasks of which all rows are known."""
    numbers: dict[str, list[int]] = {}
    for operation_id, rows in reader.known_rows.items():
        if operation_id in asked:
            for row in rows:
                numbers.setdefault(row.subject, []).append(row.history_id)
    told: set[UUID] = set()
    for subject in subjects():
        condition = condition_on(subject, reader.wanted)
        if condition and subject.name in numbers:
            told |= _fitting(reader, subject, subject.read(numbers[subject.name], *condition))
    return told


def _by_projects(
    reader: Reader, asked: Sequence[Operation], looks: Sequence[int | None]
) -> tuple[set[UUID], set[UUID]]:
    """Return which operations did what is wanted to tasks that the reader views in projects of theirs.

    Also return of which that is not known after so many looks.
    """
    near = Operation.objects.filter(reader.in_projects, pk__in=[each.pk for each in asked])
    keys = set(near.values_list("pk", flat=True))
    operations = [operation for operation in asked if operation.pk in keys]
    pieces = read_pieces([operation.pk for operation in operations])
    told: set[UUID] = set()
    unknown: set[UUID] = set()
    for number, subject in enumerate(subjects()):
        condition = seen_condition(reader, subject) if subject.task_column else None
        if condition is None:
            continue
        waiting = [piece for piece in pieces if piece.subject == number]
        for most in looks:
            waiting = [piece for piece in waiting if operations[piece.place].pk not in told]
            entries, waiting = _read_some(subject, condition, operations, waiting, most)
            told |= _fitting(reader, subject, entries)
        unknown |= {operations[piece.place].pk for piece in waiting}
    return told, unknown - told


def _read_some(
    subject: Subject,
    condition: Condition,
    operations: Sequence[Operation],
    pieces: Sequence[Piece],
    most: int | None,
) -> tuple[Iterable[Entry], list[Piece]]:
    """Return up to so many rows of each piece that meet the condition, and which pieces may have more."""
    if not pieces:
        return [], []
    rows = rows_of(pieces, operations)
    statement = subject.statement_of_some(conditions=condition.text)
    arguments: list[Any] = [*rows, *condition.arguments, most]
    with connection.cursor() as cursor:
        cursor.execute(statement, arguments)
        read = cursor.fetchall()
    # The last value says of which piece the row is, counted from one.
    counted = Counter(row[-1] for row in read)
    rest = [piece for number, piece in enumerate(pieces, 1) if counted[number] == most]
    return subject.entries(read, rows=rows), rest


def _fitting(reader: Reader, subject: Subject, entries: Iterable[Entry]) -> set[UUID]:
    """Return the operations of which a row makes a change that the filter leaves."""
    fits = fitting(reader.wanted)
    return {change.entry.operation_id for change in subject.changes(entries) if fits(change)}


def _behind(operation: Operation) -> Place:
    return Place(operation.created_at, operation.pk)
