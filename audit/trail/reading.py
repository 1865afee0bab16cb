"""What the trail tells: newest operations first; of each, subject by subject, in the order of writing.

Operations are gone through in windows. Of each window it is known where the history is
(`audit.trail.windows`); it is read in steps of some thousand rows, one statement for each subject of a
step, so that memory does not grow with the trail nor with an operation. A finished operation without rows
of history, such as a sign-in, an export or a refused attempt, is told itself.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from psycopg import capabilities, sql

from audit.models import Operation
from audit.trail.fitting import ANY_ROW, fitting, seen_condition
from audit.trail.reader import SUMMARY, Place, Reader, read_window
from audit.trail.subjects import Change, subjects
from audit.trail.windows import ITSELF_NUMBER, Piece, in_steps, read_pieces, rows_of


# Stands for the subject where an operation itself is told.
ITSELF = "operation"

# So many operations are listed, and rows read, in one go.
_WINDOW = 500
_AT_ONCE = 100
_ROWS = 4_000
# Where few rows fit, a page looks at up to so many in one go.
_LOOKED_AT = 1_000
# A page is given up on, and goes on with the next, after so many rows that do not fit.
_MOST_ROWS = 3_000


class ChangePlace(NamedTuple):
    """A place in the list of changes: behind a row of history of an operation, or behind it itself."""

    created_at: datetime
    operation_id: UUID
    subject: str
    history_id: int


class Found(NamedTuple):
    """An operation and a change that it made; None where the operation itself is told."""

    operation: Operation
    change: Change | None

    @property
    def place(self) -> ChangePlace:
        """Its place in the list."""
        subject, history_id = self.change.entry[:2] if self.change else (ITSELF, 0)
        return ChangePlace(self.operation.created_at, self.operation.pk, subject, history_id)


class Page(NamedTuple):
    """Some changes, fewer where few fit, and the place behind which to go on; None at the end."""

    found: list[Found]
    following: ChangePlace | None


def read_page(*, reader: Reader, after: ChangePlace | None, limit: int) -> Page:
    """Return a page of changes, newest operations first, having looked at so many rows at most."""
    page: list[Found] = []
    looked_at = 0
    telling = _Telling(reader)
    for window in telling.windows(after=after, size=limit):
        # Of twice a page: however the pieces are cut, a page that everything fits is full after one step.
        for step in in_steps(window.pieces, rows=2 * limit, most=_LOOKED_AT):
            turn: _Turn | None = telling.turn(window, step, limit=limit)
            while turn:
                page += turn.found
                looked_at += turn.size
                if len(page) >= limit:
                    return Page(page[:limit], page[limit - 1].place)
                if looked_at >= _MOST_ROWS:
                    return Page(page, turn.reached)
                turn = turn.rest and telling.turn(window, [turn.rest], limit=limit)
    return Page(page, None)


def stream(*, reader: Reader) -> Generator[Found]:
    """Yield all changes, newest operations first, in flat memory.

    The connection can do nothing else until the next one is asked for, or the generator is closed.
    """
    telling = _Telling(reader)
    for window in telling.windows(after=None, size=_WINDOW):
        for step in in_steps(window.pieces, rows=_ROWS):
            yield from telling.all(window, step, fetch=_streamed)


class _Window(NamedTuple):
    """Some operations, and where what is told of them is, in order."""

    operations: Sequence[Operation]
    pieces: Sequence[Piece]


class _Turn(NamedTuple):
    """What a page reads at a time: what fits, of how many rows, how far that reached, and what is left."""

    found: list[Found]
    size: int
    reached: ChangePlace
    rest: Piece | None


_Fetch = Callable[[sql.Composed, Sequence[Any]], Iterable[tuple[Any, ...]]]


def _fetched(statement: sql.Composed, arguments: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, arguments)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def _streamed(statement: sql.Composed, arguments: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
    """Yield rows while the database goes on with the next ones."""
    with connection.cursor() as cursor:
        size = _AT_ONCE if capabilities.has_stream_chunked() else 1
        yield from cursor.stream(statement, arguments, binary=True, size=size)


class _Telling:
    """Tells a reader what operations changed, as far as the reader sees and wants it."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._subjects = subjects()
        self._conditions = [seen_condition(reader, subject) for subject in self._subjects]
        self._fits = fitting(reader.wanted)

    def windows(self, *, after: ChangePlace | None, size: int) -> Iterator[_Window]:
        """Yield the operations behind the place, so many at a time; the one that it is in comes first."""
        place = None
        if after:
            place = Place(after.created_at, after.operation_id)
            begun = self._reader.operations().filter(pk=after.operation_id)
            yield self._window(list(begun.select_related(None).only(*SUMMARY)), after)
        while listed := read_window(reader=self._reader, after=place, limit=size):
            yield self._window(listed)
            if len(listed) < size:
                return
            place = Place(listed[-1].created_at, listed[-1].pk)

    def all(self, window: _Window, step: Sequence[Piece], *, fetch: _Fetch) -> Iterator[Found]:
        """Yield what fits of some pieces; of a single one, while it is read."""
        if len(step) == 1 and step[0].subject != ITSELF_NUMBER:
            yield from self._rows(window, step, fetch, is_ordered=True)
            return
        told: dict[tuple[UUID, int], list[Found]] = {}
        for number in {piece.subject for piece in step} - {ITSELF_NUMBER}:
            pieces = [piece for piece in step if piece.subject == number]
            for found in self._rows(window, pieces, fetch):
                told.setdefault((found.operation.pk, number), []).append(found)
        for piece in step:
            operation = window.operations[piece.place]
            if piece.subject == ITSELF_NUMBER:
                yield Found(operation, None)
            else:
                # Those of its next piece, too: they come behind.
                yield from sorted(told.pop((operation.pk, piece.subject), ()), key=_number)

    def turn(self, window: _Window, step: Sequence[Piece], *, limit: int) -> _Turn:
        """Return what fits of some pieces; of a single one, of its first rows."""
        *_, last = step
        if len(step) > 1 or last.subject == ITSELF_NUMBER:
            found = list(self.all(window, step, fetch=_fetched))
            size = sum(piece.size for piece in step)
            return _Turn(found, size, self._end_of(window, last), None)
        # So many numbers, not so many rows: to find the first of those, all would be read. The numbers of
        # an operation have few gaps.
        wanted = limit if self._conditions[last.subject] == ANY_ROW else max(limit, _LOOKED_AT)
        numbers = wanted * -(-(last.last - last.first + 1) // last.size)
        part = last._replace(last=min(last.last, last.first + numbers - 1))
        rest = last._replace(first=part.last + 1) if part.last < last.last else None
        found = list(self._rows(window, [part], _fetched, is_ordered=True))
        return _Turn(found, min(wanted, last.size), self._end_of(window, part), rest)

    def _window(
        self, operations: Sequence[Operation], behind: ChangePlace | None = None
    ) -> _Window:
        """Return the operations, those that are told themselves with all that they hold."""
        pieces = read_pieces([operation.pk for operation in operations])
        bare = set(range(len(operations))) - {piece.place for piece in pieces}
        whole = Operation.objects.in_bulk([operations[place].pk for place in bare]) if bare else {}
        told = [whole.get(operation.pk, operation) for operation in operations]
        if self._reader.wanted.task_id is not None:
            # Of each, hardly more than one row is about the task, and an index finds it.
            pieces = [piece._replace(size=1) for piece in pieces]
        for operation in told:
            self._reader.hide(operation)
        pieces = [piece for piece in pieces if self._is_told(told[piece.place], piece)]
        if behind:
            return _Window(told, list(self._behind(pieces, behind)))
        bare_pieces = [Piece(place, ITSELF_NUMBER, 0, 0, 1) for place in bare]
        return _Window(told, sorted([*pieces, *bare_pieces]))

    def _is_told(self, operation: Operation, piece: Piece) -> bool:
        """Return whether the reader sees anything there: of what is about no task, one's own alone."""
        return self._conditions[piece.subject] is not None and (
            self._reader.sight is None
            or bool(self._subjects[piece.subject].task_column)
            or operation.actor_id == self._reader.actor.pk
        )

    def _behind(self, pieces: Iterable[Piece], place: ChangePlace) -> Iterator[Piece]:
        """Yield what is behind a place in the operation that has the pieces."""
        for piece in pieces:
            name = self._subjects[piece.subject].name
            if name > place.subject or (name == place.subject and piece.first > place.history_id):
                yield piece
            elif name == place.subject and piece.last > place.history_id:
                yield piece._replace(first=place.history_id + 1)

    def _rows(
        self, window: _Window, pieces: Sequence[Piece], fetch: _Fetch, *, is_ordered: bool = False
    ) -> Iterator[Found]:
        """Yield what fits of pieces of one subject."""
        subject = self._subjects[pieces[0].subject]
        condition = self._conditions[pieces[0].subject]
        assert condition is not None  # noqa: S101 - other pieces are left out
        operations = {window.operations[piece.place].pk: piece.place for piece in pieces}
        rows = rows_of(pieces, window.operations)
        statement = subject.statement(rows=rows, conditions=condition.text, is_ordered=is_ordered)
        read = fetch(statement, [*rows, *condition.arguments])
        entries = subject.entries(read, rows=rows)
        for change in subject.changes(entries):
            if self._fits(change):
                yield Found(window.operations[operations[change.entry.operation_id]], change)

    def _end_of(self, window: _Window, piece: Piece) -> ChangePlace:
        operation = window.operations[piece.place]
        is_itself = piece.subject == ITSELF_NUMBER
        name = ITSELF if is_itself else self._subjects[piece.subject].name
        return ChangePlace(operation.created_at, operation.pk, name, piece.last)


def _number(found: Found) -> int:
    return found.change.entry.history_id if found.change else 0
