"""Where the history of some operations is: in which tables, between which numbers, and how much of it.

The seals keep a list of every row of an operation (`audit.proof.parts`), in parts, so that only the months
of these rows are looked into, and nothing has to be counted. Operations that wait for their seal are looked
up in all tables.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from psycopg import sql

from audit.models import Operation
from audit.proof.parts import PART
from audit.trail.subjects import Rows, subjects


# The number of the subject where an operation itself is told: before all others.
ITSELF_NUMBER = -1

_SEALED = """
SELECT wanted.place - 1, rows.table_name,
       ('x' || encode(substring(rows.entries FROM 1 FOR 8), 'hex'))::bit(64)::bigint,
       ('x' || encode(substring(rows.entries FROM length(rows.entries) - 39 FOR 8), 'hex'))
           ::bit(64)::bigint,
       length(rows.entries) / 40
FROM unnest(%s::uuid[]) WITH ORDINALITY AS wanted (operation_id, place)
JOIN audit_sealedrows AS rows USING (operation_id)
"""

_UNSEALED = sql.SQL("""
SELECT place - 1, table_name, min(history_id), max(history_id), count(*)
FROM (
    SELECT place, table_name, history_id,
           (row_number() OVER (PARTITION BY place, table_name ORDER BY history_id) - 1) / {part} AS part
    FROM ({entries}) AS entry
) AS entry
GROUP BY place, table_name, part
""")
_ENTRY = sql.SQL("""
SELECT wanted.place, {table} AS table_name, entry.history_id
FROM unnest(%s::uuid[], %s::bigint[]) AS wanted (operation_id, place)
JOIN {history} AS entry ON entry.operation_id = wanted.operation_id
""")


class Piece(NamedTuple):
    """Rows of an operation in one table: the first, the last, and how many.

    `place` is that of the operation among those that are looked at, `subject` the number of the subject.
    """

    place: int
    subject: int
    first: int
    last: int
    size: int


def read_pieces(operations: Sequence[UUID]) -> list[Piece]:
    """Return where the rows of the operations are, in the order in which they are told."""
    if not operations:
        return []
    numbers = {subject.history: number for number, subject in enumerate(subjects())}
    with connection.cursor() as cursor:
        cursor.execute(_SEALED, [list(operations)])
        found = cursor.fetchall()
        # The operation itself is under seal, too, among its rows.
        sealed = {place for place, *_ in found}
        unsealed = [place for place in range(len(operations)) if place not in sealed]
        if unsealed:
            keys = [operations[place] for place in unsealed]
            wanted: list[Any] = [keys, [place + 1 for place in unsealed]] * len(numbers)
            cursor.execute(_unsealed(list(numbers)), wanted)
            found += cursor.fetchall()
    return sorted(
        Piece(place, numbers[table], first, last, size)
        for place, table, first, last, size in found
        if table in numbers
    )


def in_steps(pieces: Iterable[Piece], *, rows: int, most: int = 0) -> Iterator[list[Piece]]:
    """Yield as many pieces as have so many rows together, or one that has more.

    Each step has up to twice the rows of the one before it, until it has so many as there may be at most.
    """
    together: list[Piece] = []
    size = 0
    for piece in pieces:
        if together and size + piece.size > rows:
            yield together
            together, size = [], 0
            rows = max(rows, min(2 * rows, most))
        together.append(piece)
        size += piece.size
    if together:
        yield together


def rows_of(pieces: Sequence[Piece], operations: Sequence[Operation]) -> Rows:
    """Return the pieces as a subject reads them; their places are those of the operations."""
    told = [operations[piece.place] for piece in pieces]
    return Rows(
        [operation.pk for operation in told],
        [operation.finished_at for operation in told],
        [piece.first for piece in pieces],
        [piece.last for piece in pieces],
    )


def _unsealed(tables: Sequence[str]) -> sql.Composed:
    return _UNSEALED.format(
        part=sql.Literal(PART),
        entries=sql.SQL(" UNION ALL ").join(
            _ENTRY.format(table=sql.Literal(table), history=sql.Identifier(table))
            for table in tables
        ),
    )
