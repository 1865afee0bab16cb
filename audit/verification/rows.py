"""The rows under seals: each must have the digest that was sealed, none more, none fewer.

The sealed digests must have the digest that the signed seal states; then the rows are compared with
them, in the same order, one by one. Memory holds the digests, 40 bytes for a row, and no rows.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from itertools import groupby
from operator import attrgetter

from django.db import connection, transaction

from audit.archived import Dropped
from audit.documents import (
    OPERATIONS,
    Document,
    Layout,
    canonical,
    documents_of,
    present_layout,
    sha256,
)
from audit.models import Layout as StoredLayout
from audit.models import SealedOperation
from audit.parts import PART, Part, parts_of
from audit.seal_documents import SealDocument
from audit.verification.tampered import Tampered


_COLUMNS = """
SELECT table_name, array_agg(column_name::text)
FROM information_schema.columns
WHERE table_schema = current_schema() AND table_name = ANY(%(tables)s)
GROUP BY table_name
"""


def check_rows(seals: Sequence[SealDocument], *, in_archives: Mapping[str, Dropped]) -> int:
    """Compare everything under these seals, which have one layout, with what they say.

    Rows that are in archives may be missing; how many are is returned.

    Raises:
        Tampered: it differs.
    """
    _check_index(seals)
    layout = _layout_of(seals[0])
    operations = [entry for seal in seals for entry in seal.operations]
    ids = [operation for operation, _ in operations]
    with transaction.atomic():
        parts = {
            place: list(sealed) for place, sealed in groupby(parts_of(ids), key=attrgetter("place"))
        }
        with closing(documents_of(ids, layout=layout)) as documents:
            found = _Ahead(documents, in_archives)
            for place, (operation, digest) in enumerate(operations, start=1):
                sealed = parts.get(place, [])
                difference = (
                    "the sealed digests of its rows were altered"
                    if not _are_sealed(sealed, digest=digest)
                    else _first_difference(sealed, place=place, found=found)
                )
                if difference:
                    raise Tampered(f"operation {operation}: {difference}")
            return found.missing


def _check_index(seals: Sequence[SealDocument]) -> None:
    """Compare the table that tells under which seal an operation is with the seals.

    Raises:
        Tampered: it differs.
    """
    said = [
        (operation, seal.number, place)
        for seal in seals
        for place, (operation, _) in enumerate(seal.operations, start=1)
    ]
    listed = set(
        SealedOperation.objects.filter(
            seal_id__gte=seals[0].number, seal_id__lte=seals[-1].number
        ).values_list("operation_id", "seal_id", "place")
    )
    for operation, number, place in said:
        if (operation, number, place) not in listed:
            raise Tampered(
                f"operation {operation}, number {place} under seal {number}, is not listed there:"
                " the list of sealed operations was altered"
            )
    if more := listed.difference(said):
        operation, number, place = min(more, key=lambda entry: entry[1:])
        raise Tampered(
            f"operation {operation} is listed as number {place} under seal {number}, where it is not:"
            " the list of sealed operations was altered"
        )


def _layout_of(seal: SealDocument) -> Layout:
    """Return what the seal covers, and besides what is tracked now.

    Raises:
        Tampered: the layout was altered, or something that it names is gone.
    """
    stored = StoredLayout.objects.filter(pk=seal.layout).first()
    if stored is None or sha256(stored.document.encode()) != seal.layout:
        raise Tampered(f"the layout of seal {seal.number} was altered or removed")
    sealed: dict[str, list[str]] = json.loads(stored.document)
    with connection.cursor() as cursor:
        cursor.execute(_COLUMNS, {"tables": list(sealed)})
        there = dict(cursor.fetchall())
    for table, columns in sealed.items():
        if gone := set(columns).difference(there.get(table, ())):
            raise Tampered(f"{table} has lost what is under seal {seal.number}: {', '.join(gone)}")
    return {**present_layout(), **sealed}


class _Ahead:
    """Documents, of which the next one shows, and how many are missing because they are in archives."""

    def __init__(self, documents: Iterator[Document], in_archives: Mapping[str, Dropped]) -> None:
        self._documents = documents
        self._below = {table: said.below for table, said in in_archives.items()}
        self.missing = 0
        self.move()

    def move(self) -> None:
        """Go on to the next one."""
        self.next = next(self._documents, None)

    def may_miss(self, table: str, key: int) -> bool:
        """Count a row that is not there, and return whether it is in an archive."""
        self.missing += 1
        return table in self._below and key < self._below[table]


def _are_sealed(parts: Sequence[Part], *, digest: str) -> bool:
    """Return whether these are the parts that were sealed, numbered and filled as the sealer does it."""
    state = hashlib.sha256()
    for _, of_table in groupby(parts, key=attrgetter("table")):
        sizes = [PART]
        for number, part in enumerate(of_table):
            if part.number != number or sizes[-1] != PART:
                return False
            sizes.append(part.size)
            state.update(part.content)
    return state.hexdigest() == digest


def _first_difference(parts: Sequence[Part], *, place: int, found: _Ahead) -> str | None:
    """Say in which row an operation first differs from its sealed digests, if it does."""
    for part in parts:
        table = part.table
        for key, digest in part.entries():
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
        for key, digest in part.entries() if part.table == row.table else ():
            if hashlib.sha256(_renumbered(row.text, key)).digest() == digest:
                return f"was reordered: in its place is row {key}"
    return "was altered"


def _renumbered(document: bytes, key: int) -> bytes:
    said = json.loads(document)
    return canonical({**said, "row": {**said["row"], "history_id": str(key)}})


def _named(table: str, key: int, what: str) -> str:
    return f"the operation itself {what}" if table == OPERATIONS else f"row {key} of {table} {what}"
