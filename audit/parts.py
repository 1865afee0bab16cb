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

from audit.documents import Layout, fix_text_forms, select_documents


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
) TO STDOUT (FORMAT binary)
"""


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


def parts_of(operations: Sequence[UUID]) -> Generator[Part]:
    """Return the stored parts in the order of seals: by operation, table and number.

    One at a time, however many there are, on a connection that can do nothing else until it is closed.
    """
    with (
        connection.cursor() as cursor,
        cursor.copy(_IN_ORDER, {"operations": list(operations)}) as copy,
    ):
        copy.set_types(("int8", "text", "int4", "bytea"))
        yield from map(Part._make, copy.rows())
