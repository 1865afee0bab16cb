"""The rows under seals: each must have the digest that was sealed, none fewer.

The sealed digests must have the digest that the signed seal states, and the rows are compared with
them, many at a time. Memory holds some ten thousand digests, and few rows, however many an operation has.
"""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from contextlib import closing
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple
from uuid import UUID

from django.db import connection, transaction

from audit.archived import Dropped
from audit.models import Layout as StoredLayout
from audit.models import SealedOperation
from audit.proof.documents import OPERATIONS, Layout, documents_of, present_layout, sha256
from audit.proof.parts import Part, Portion, entry, parts_of, portions_of
from audit.proof.seal_documents import SealDocument
from audit.proof.verification.blocks import compare_history, compare_operations
from audit.proof.verification.differing import name_difference
from audit.proof.verification.sealed_parts import SealedParts
from audit.proof.verification.tampered import Tampered


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
    rows, missing = Counter[str](), 0
    with transaction.atomic():
        sealed = dict(operation for seal in seals for operation in seal.operations)
        for portion in portions_of(list(sealed), rows=sum(seal.rows for seal in seals)):
            found = _compare(portion, sealed=sealed, layout=layout, in_archives=in_archives)
            if found is None:
                _name(sealed, layout=layout, in_archives=in_archives)
                raise Tampered(
                    f"operations from {portion.operations[0]} on differ from what was sealed"
                )
            rows += found.rows
            missing += found.missing
    return Found(rows, missing)


def name_row(seals: Sequence[SealDocument], *, in_archives: Mapping[str, Dropped]) -> None:
    """Name the first row by which what is under these seals differs from what they say.

    Raises:
        Tampered: there is one.
    """
    ids = [operation for seal in seals for operation, _ in seal.operations]
    with transaction.atomic():
        name_difference(ids, layout=_layout_of(seals[0]), in_archives=in_archives)


def _name(
    sealed: Mapping[UUID, str], *, layout: Layout, in_archives: Mapping[str, Dropped]
) -> None:
    """Name the first difference: of the rows, or else of an operation whose digests are not as sealed.

    Raises:
        Tampered: there is one.
    """
    ids = list(sealed)
    parts = {
        place: list(stored) for place, stored in groupby(parts_of(ids), key=attrgetter("place"))
    }
    for place, (operation, digest) in enumerate(sealed.items(), start=1):
        state = SealedParts(layout)
        if not (all(map(state.take, parts.get(place, []))) and state.hexdigest() == digest):
            name_difference(ids[: place - 1], layout=layout, in_archives=in_archives)
            are_rows = _digest_of(operation, layout) == digest
            raise Tampered(
                f"operation {operation}: the sealed digests of its rows were altered"
                + ("; the rows themselves are as they were sealed" if are_rows else "")
            )
    name_difference(ids, layout=layout, in_archives=in_archives)


def _digest_of(operation: UUID, layout: Layout) -> str:
    """Return what the seal would say of the operation as it is now."""
    state = hashlib.sha256()
    with closing(documents_of([operation], layout=layout)) as documents:
        for document in documents:
            state.update(entry(document.key, document.text))
    return state.hexdigest()


def _compare(
    portion: Portion,
    *,
    sealed: Mapping[UUID, str],
    layout: Layout,
    in_archives: Mapping[str, Dropped],
) -> Found | None:
    """Compare digests with the seals, and rows with the digests; None if something differs."""
    states = [SealedParts(layout) for _ in portion.operations]
    rows, missing = Counter[str](), 0
    for parts in portion.parts():
        if not all(states[part.place - 1].take(part) for part in parts):
            return None
        if not _are_operations(portion.operations, parts, columns=layout[OPERATIONS]):
            return None
        for table, of_table in _by_table(parts).items():
            compared = compare_history(
                table=table,
                columns=layout[table],
                operations=portion.operations,
                parts=of_table,
                archived_below=in_archives[table].below if table in in_archives else 0,
            )
            if not compared.is_as_sealed:
                return None
            rows[table] += compared.found
            missing += compared.missing
    digests = [sealed[operation] for operation in portion.operations]
    return Found(rows, missing) if [state.hexdigest() for state in states] == digests else None


def _are_operations(
    operations: Sequence[UUID], parts: Sequence[Part], *, columns: Sequence[str]
) -> bool:
    """Compare the operations themselves, whose digests are among these parts."""
    own = [part for part in parts if part.table == OPERATIONS]
    return not own or compare_operations(
        columns=columns,
        operations=[operations[part.place - 1] for part in own],
        entries=[each for part in own for each in part.entries()],
    )


def _by_table(parts: Sequence[Part]) -> Mapping[str, Sequence[Part]]:
    """Return the parts with rows of history, by table."""
    by_table = defaultdict(list)
    for part in parts:
        if part.table != OPERATIONS:
            by_table[part.table].append(part)
    return by_table


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
