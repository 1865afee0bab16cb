"""Documents as verification compares them: many at once, found by the numbers that were sealed.

The sealed digests say which rows there must be, so the database is asked for spans of numbers in one
table, which stand side by side, and answers with the documents of a span in one piece. Python hashes
each, but for long ones. What is more in the table than that is counted afterwards
(`audit.proof.verification.strays`).
"""

import hashlib
from collections import deque
from collections.abc import Collection, Generator, Iterator, Sequence
from contextlib import closing
from itertools import islice
from typing import NamedTuple, TypeVar
from uuid import UUID

from django.db import connection
from psycopg import sql

from audit.proof.documents import OPERATIONS, fix_text_forms, rendered
from audit.proof.parts import Part


# Documents in one piece, and pieces in one statement.
_DOCUMENTS = 200
_PIECES = 100

_KEY_SIZE = 8
# No document has a line break: in JSON it is written in another way.
_BETWEEN = b"\n"

# Of a long document its digest is sent, so that memory does not grow with documents either. It is
# computed there from the same text; and no document begins like that.
_LONG = 10_000
_DIGEST = b"sha256:"
_SENT = sql.SQL("""
CASE WHEN octet_length(documents.document) > {long}
     THEN {digest} || encode(sha256(convert_to(documents.document, 'UTF8')), 'hex')
     ELSE documents.document
END
""").format(long=sql.Literal(_LONG), digest=sql.Literal(_DIGEST.decode()))

_OF_HISTORY = sql.SQL("""
COPY (
    SELECT (
        SELECT convert_to(string_agg({sent}, E'\\n' ORDER BY documents.key), 'UTF8')
        FROM (
            SELECT source.history_id AS key, {document} AS document
            FROM {table} AS source
            WHERE source.history_id BETWEEN span.low AND span.high
              AND source.history_id BETWEEN {first} AND {last}
              AND source.operation_id = ANY({operations}::uuid[])
            OFFSET 0
        ) AS documents
    )
    FROM unnest({lows}::bigint[], {highs}::bigint[]) WITH ORDINALITY AS span (low, high, number)
    ORDER BY span.number
) TO STDOUT (FORMAT binary)
""")
_OF_OPERATIONS = sql.SQL("""
COPY (
    SELECT convert_to(string_agg({sent}, E'\\n' ORDER BY documents.place), 'UTF8')
    FROM (
        SELECT wanted.place, {document} AS document
        FROM unnest({operations}::uuid[]) WITH ORDINALITY AS wanted (operation_id, place)
        JOIN {table} AS source ON source.id = wanted.operation_id
        OFFSET 0
    ) AS documents
    GROUP BY (documents.place - 1) / {size}
    ORDER BY (documents.place - 1) / {size}
) TO STDOUT (FORMAT binary)
""")


T = TypeVar("T")


class Compared(NamedTuple):
    """What came of comparing rows of a table: are they as sealed, and how many are there?"""

    is_as_sealed: bool
    found: int
    missing: int


def compare_history(
    *,
    table: str,
    columns: Collection[str],
    operations: Sequence[UUID],
    parts: Sequence[Part],
    archived_below: int,
) -> Compared:
    """Compare the rows of the operations in a table with the sealed digests, in these parts.

    Rows below `archived_below` may be missing.
    """
    found = missing = 0
    for pieces in _some(_pieces(parts), _PIECES):
        statement = _OF_HISTORY.format(
            sent=_SENT,
            document=rendered(table, columns),
            table=sql.Identifier(table),
            operations=sql.Literal(list(operations)),
            lows=sql.Literal([_key(piece[0]) for piece in pieces]),
            highs=sql.Literal([_key(piece[-1]) for piece in pieces]),
            first=sql.Literal(_key(pieces[0][0])),
            last=sql.Literal(_key(pieces[-1][-1])),
        )
        with closing(_digests(statement)) as digests:
            for piece, there in zip(pieces, digests, strict=True):
                left_out = _left_out(piece, there)
                if left_out is None or any(_key(entry) >= archived_below for entry in left_out):
                    # Broken off, the statement would take the transaction with it, in which it is
                    # still to be named what differs.
                    deque(digests, maxlen=0)
                    return Compared(is_as_sealed=False, found=0, missing=0)
                found += len(there)
                missing += len(left_out)
    return Compared(is_as_sealed=True, found=found, missing=missing)


def compare_operations(
    *, columns: Collection[str], operations: Sequence[UUID], entries: Sequence[bytes]
) -> bool:
    """Return whether the operations themselves have the digests of these entries."""
    statement = _OF_OPERATIONS.format(
        sent=_SENT,
        document=rendered(OPERATIONS, columns),
        table=sql.Identifier(OPERATIONS),
        operations=sql.Literal(list(operations)),
        size=sql.Literal(_DOCUMENTS),
    )
    with closing(_digests(statement)) as digests:
        there = [digest for piece in digests for digest in piece]
    return there == [entry[_KEY_SIZE:] for entry in entries]


def _digests(statement: sql.Composed) -> Generator[list[bytes]]:
    """Yield, piece by piece, the digests of the documents that the database sends."""
    with connection.cursor() as cursor:
        fix_text_forms(cursor)
        with cursor.copy(statement) as copy:
            copy.set_types(("bytea",))
            for (piece,) in copy.rows():
                documents = piece.split(_BETWEEN) if piece is not None else ()
                yield [digest_of(document) for document in documents]


def digest_of(sent: bytes) -> bytes:
    """Return the digest of a document, of which the database sent the text, or the digest itself."""
    if sent.startswith(_DIGEST):
        return bytes.fromhex(sent.removeprefix(_DIGEST).decode())
    return hashlib.sha256(sent).digest()


def _left_out(piece: Sequence[bytes], there: Sequence[bytes]) -> Sequence[bytes] | None:
    """Return the entries of which there is no row; None if there are other rows besides."""
    sealed = [entry[_KEY_SIZE:] for entry in piece]
    if sealed == there:
        return ()
    remaining = iter(sealed)
    if not all(digest in remaining for digest in there):
        return None
    known = set(there)
    return [entry for entry in piece if entry[_KEY_SIZE:] not in known]


def _pieces(parts: Sequence[Part]) -> Iterator[Sequence[bytes]]:
    """Yield the entries of the parts in the order of their numbers, some at a time."""
    entries: Iterator[bytes] = (entry for part in parts for entry in part.entries())
    # Those of one operation are in order, part by part, however many there are.
    if len({part.place for part in parts}) > 1:
        entries = iter(sorted(entries))
    return _some(entries, _DOCUMENTS)


def _some(items: Iterator[T], count: int) -> Iterator[Sequence[T]]:
    while some := list(islice(items, count)):
        yield some


def _key(entry: bytes) -> int:
    return int.from_bytes(entry[:_KEY_SIZE], "big", signed=True)
