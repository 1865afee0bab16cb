"""The rows under seals: each must have the digest that was sealed, none fewer.

The sealed digests must have the digest that the signed seal states; then the rows are compared with
them, many at a time. Memory holds the digests, 40 bytes for a row, and few rows.
"""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple
from uuid import UUID

from django.db import connection, transaction

from audit.archived import Dropped
from audit.documents import OPERATIONS, Layout, present_layout, sha256
from audit.models import Layout as StoredLayout
from audit.models import SealedOperation
from audit.parts import PART, Part, parts_of
from audit.seal_documents import SealDocument
from audit.verification.blocks import compare_history, compare_operations
from audit.verification.differing import name_difference
from audit.verification.tampered import Tampered


_COLUMNS = """
SELECT table_name, array_agg(column_name::text)
FROM information_schema.columns
WHERE table_schema = current_schema() AND table_name = ANY(%(tables)s)
GROUP BY table_name
"""


class Found(NamedTuple):
    """How many rows there are by table, and how many are missing because they are in archives."""

    rows: Counter[str]
    missing: int


def check_rows(seals: Sequence[SealDocument], *, in_archives: Mapping[str, Dropped]) -> Found:
    """Compare everything under these seals, which have one layout, with what they say.

    Rows that are in archives may be missing. That there are no more rows is not seen here.

    Raises:
        Tampered: it differs.
    """
    _check_index(seals)
    layout = _layout_of(seals[0])
    operations = {operation: digest for seal in seals for operation, digest in seal.operations}
    ids = list(operations)
    with transaction.atomic():
        parts = {
            place: list(sealed) for place, sealed in groupby(parts_of(ids), key=attrgetter("place"))
        }
        for place, (operation, digest) in enumerate(operations.items(), start=1):
            if not _are_sealed(parts.get(place, []), digest=digest):
                name_difference(ids[: place - 1], layout=layout, in_archives=in_archives)
                raise Tampered(
                    f"operation {operation}: the sealed digests of its rows were altered"
                )
        found = _compare(ids, layout=layout, parts=parts, in_archives=in_archives)
        if found is None:
            name_difference(ids, layout=layout, in_archives=in_archives)
            raise Tampered(f"operations from {ids[0]} to {ids[-1]} differ from what was sealed")
    return found


def name_row(seals: Sequence[SealDocument], *, in_archives: Mapping[str, Dropped]) -> None:
    """Name the first row by which what is under these seals differs from what they say.

    Raises:
        Tampered: there is one.
    """
    ids = [operation for seal in seals for operation, _ in seal.operations]
    with transaction.atomic():
        name_difference(ids, layout=_layout_of(seals[0]), in_archives=in_archives)


def _compare(
    ids: Sequence[UUID],
    *,
    layout: Layout,
    parts: Mapping[int, Sequence[Part]],
    in_archives: Mapping[str, Dropped],
) -> Found | None:
    """Compare the rows with the sealed digests, table by table; None if they differ."""
    by_table = defaultdict(list)
    for place in range(1, len(ids) + 1):
        for part in parts.get(place, []):
            by_table[part.table].append(part)
    entries = [entry for part in by_table.pop(OPERATIONS, []) for entry in part.entries()]
    if not compare_operations(columns=layout[OPERATIONS], operations=ids, entries=entries):
        return None
    rows, missing = Counter[str](), 0
    for table, of_table in by_table.items():
        compared = compare_history(
            table=table,
            columns=layout[table],
            operations=ids,
            parts=of_table,
            archived_below=in_archives[table].below if table in in_archives else 0,
        )
        if not compared.is_as_sealed:
            return None
        rows[table] += compared.found
        missing += compared.missing
    return Found(rows, missing)


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
