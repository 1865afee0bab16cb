"""The digests of rows that seals are made of: in parts, so that memory does not grow with an operation.

A part has up to 10,000 entries of 40 bytes: the row's `history_id` (0 for the operation itself) and the
SHA-256 of its document.
"""

import hashlib
import struct
from collections.abc import Generator, Iterator, Sequence
from typing import NamedTuple
from uuid import UUID

from django.db import connection
from django.db.backends.utils import CursorWrapper
from psycopg import sql

from audit.proof.documents import Layout, fix_text_forms, select_documents


PART = 10_000

_ENTRY = struct.Struct(">q32s")

_ADD = sql.SQL("""
WITH digested AS MATERIALIZED (
    SELECT place, table_name, key, sha256(convert_to(document, 'UTF8')) AS digest
    FROM ({documents}) AS documents
), numbered AS (
    SELECT *, (row_number() OVER (PARTITION BY place, table_name ORDER BY key) - 1) / %(part)s AS part
    FROM digested
)
INSERT INTO audit_sealedrows (operation_id, table_name, part, entries)
SELECT (%(operations)s::uuid[])[place], table_name, part,
       string_agg(int8send(key) || digest, ''::bytea ORDER BY key)
FROM numbered
GROUP BY place, table_name, part
""")

_IN_ORDER = """
COPY (
    SELECT wanted.place, rows.table_name, rows.part, rows.entries
    FROM unnest(%(operations)s::uuid[]) WITH ORDINALITY AS wanted(operation_id, place)
    JOIN audit_sealedrows AS rows USING (operation_id)
    ORDER BY wanted.place, rows.table_name, rows.part
    OFFSET %(skip)s LIMIT %(limit)s
) TO STDOUT (FORMAT binary)
"""

# What a length takes is there without the entries.
_SIZES = """
SELECT coalesce(sum(length(rows.entries)), 0) / %(entry)s
FROM unnest(%(operations)s::uuid[]) WITH ORDINALITY AS wanted(operation_id, place)
LEFT JOIN audit_sealedrows AS rows USING (operation_id)
GROUP BY wanted.place
ORDER BY wanted.place
"""

# So many entries are read in one go, where somebody reads in portions: some MB.
AT_ONCE = 40_000


def entry(key: int, document: bytes) -> bytes:
    """Return the entry of a document."""
    return _ENTRY.pack(key, hashlib.sha256(document).digest())


class Part(NamedTuple):
    """Some entries: of the operation at this place in a list from 1, the table, and which part of it."""

    place: int
    table: str
    number: int
    content: bytes

    @property
    def size(self) -> int:
        """Return the number of entries."""
        return len(self.content) // _ENTRY.size

    @property
    def is_whole(self) -> bool:
        """Say whether it has entries and nothing else."""
        return self.size > 0 and len(self.content) % _ENTRY.size == 0

    def entries(self) -> Iterator[bytes]:
        """Return the entries as they are: keys of 8 bytes, each with its digest."""
        size = _ENTRY.size
        return (self.content[at : at + size] for at in range(0, len(self.content), size))

    def pairs(self) -> Iterator[tuple[int, bytes]]:
        """Return keys and digests."""
        return _ENTRY.iter_unpack(self.content)


def add_parts(cursor: CursorWrapper, *, operations: Sequence[UUID], layout: Layout) -> None:
    """Store the digests of the operations' rows, computed by the database."""
    fix_text_forms(cursor)
    cursor.execute(
        _ADD.format(documents=select_documents(layout)),
        {"operations": list(operations), "part": PART},
    )


def parts_of(
    operations: Sequence[UUID], *, skip: int = 0, limit: int | None = None
) -> Generator[Part]:
    """Return the stored parts in the order of seals: by operation, table and number.

    One at a time, however many there are, on a connection that can do nothing else until it is closed.
    """
    wanted = {"operations": list(operations), "skip": skip, "limit": limit}
    with connection.cursor() as cursor, cursor.copy(_IN_ORDER, wanted) as copy:
        copy.set_types(("int8", "text", "int4", "bytea"))
        yield from map(Part._make, copy.rows())


class Portion(NamedTuple):
    """Operations that follow each other: few with few rows, or one with many."""

    operations: Sequence[UUID]
    is_large: bool

    def parts(self) -> Iterator[Sequence[Part]]:
        """Yield the stored parts in the order of seals, as many as memory holds with ease."""
        limit = max(AT_ONCE // PART, 1) if self.is_large else None
        skip = 0
        while parts := list(parts_of(self.operations, skip=skip, limit=limit)):
            yield parts
            if limit is None:
                return
            skip += limit


def portions_of(operations: Sequence[UUID], *, rows: int) -> Iterator[Portion]:
    """Yield the operations, which have about so many rows, in portions whose parts may be read at once."""
    if rows + len(operations) <= AT_ONCE:
        yield Portion(operations, is_large=False)
        return
    with connection.cursor() as cursor:
        cursor.execute(_SIZES, {"operations": list(operations), "entry": _ENTRY.size})
        sizes = [int(size) for (size,) in cursor.fetchall()]
    first, together = 0, 0
    for place, size in enumerate(sizes):
        if place > first and together + size > AT_ONCE:
            yield Portion(operations[first:place], is_large=together > AT_ONCE)
            first, together = place, 0
        together += size
    yield Portion(operations[first:], is_large=together > AT_ONCE)
