"""Naming the first row that differs: row by row, once it is known that something in there does."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from itertools import groupby
from operator import attrgetter
from uuid import UUID

from audit.archived import Dropped
from audit.proof.documents import OPERATIONS, Document, Layout, canonical, documents_of
from audit.proof.parts import Part, parts_of
from audit.proof.verification.tampered import Tampered


def name_difference(
    operations: Sequence[UUID], *, layout: Layout, in_archives: Mapping[str, Dropped]
) -> None:
    """Compare the operations with their sealed digests, in order, row by row.

    Raises:
        Tampered: the first row that differs.
    """
    parts = {
        place: list(sealed)
        for place, sealed in groupby(parts_of(operations), key=attrgetter("place"))
    }
    with closing(documents_of(operations, layout=layout)) as documents:
        found = _Ahead(documents, in_archives)
        for place, operation in enumerate(operations, start=1):
            if difference := _first_difference(parts.get(place, []), place=place, found=found):
                raise Tampered(f"operation {operation}: {difference}")


class _Ahead:
    """Documents, of which the next one shows."""

    def __init__(self, documents: Iterator[Document], in_archives: Mapping[str, Dropped]) -> None:
        self._documents = documents
        self._below = {table: said.below for table, said in in_archives.items()}
        self.move()

    def move(self) -> None:
        """Go on to the next one."""
        self.next = next(self._documents, None)

    def may_miss(self, table: str, key: int) -> bool:
        """Return whether a row that is not there is said to be in an archive."""
        return table in self._below and key < self._below[table]


def _first_difference(parts: Sequence[Part], *, place: int, found: _Ahead) -> str | None:
    """Say in which row an operation first differs from its sealed digests, if it does."""
    for part in parts:
        table = part.table
        for key, digest in part.pairs():
            row = found.next
            if row is None or row.place != place or (row.table, row.key) > (table, key):
                if found.may_miss(table, key):
                    continue
                return _named(table, key, "was removed")
            if (row.table, row.key) < (table, key):
                return _named(row.table, row.key, "was inserted")
            if hashlib.sha256(row.text).digest() != digest:
                return _named(table, key, _change_of(row, parts))
            found.move()
    row = found.next
    if row and row.place == place:
        return _named(row.table, row.key, "was inserted")
    return None


def _change_of(row: Document, parts: Sequence[Part]) -> str:
    """Say what became of a row: was it altered, or is it another one of those sealed?"""
    for part in parts:
        for key, digest in part.pairs() if part.table == row.table else ():
            if hashlib.sha256(_renumbered(row.text, key)).digest() == digest:
                return f"was reordered: in its place is row {key}"
    return "was altered"


def _renumbered(document: bytes, key: int) -> bytes:
    said = json.loads(document)
    return canonical({**said, "row": {**said["row"], "history_id": str(key)}})


def _named(table: str, key: int, what: str) -> str:
    return f"the operation itself {what}" if table == OPERATIONS else f"row {key} of {table} {what}"
