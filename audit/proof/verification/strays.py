"""What is there without being under a seal: rows of no operation, operations that should be sealed."""

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from django.db import connection
from psycopg import sql

from audit.archived import Dropped, rows_below
from audit.models import Layout
from audit.proof.documents import OPERATIONS, present_layout
from audit.proof.verification.tampered import Tampered


# From the time that an operation states as its end to its commit. Only a change from outside the
# application, in a transaction that somebody left open, takes longer.
LATE = timedelta(minutes=10)

_LISTED_NOWHERE = """
SELECT 'operation ' || operation_id || ' is listed under seal ' || seal_id || ', which there is not'
FROM audit_sealedoperation AS listed
WHERE NOT EXISTS (SELECT FROM audit_seal AS seal WHERE seal.number = listed.seal_id)
UNION ALL
SELECT 'digests of rows were inserted for operation ' || operation_id || ', which is under no seal'
FROM audit_sealedrows AS rows
WHERE NOT EXISTS (
    SELECT FROM audit_sealedoperation AS listed WHERE listed.operation_id = rows.operation_id
)
LIMIT 1
"""

_ROW_OF_NONE = sql.SQL("""
SELECT operation_id FROM {table} AS row
WHERE NOT EXISTS (
    SELECT FROM audit_sealedoperation AS listed WHERE listed.operation_id = row.operation_id
) AND NOT EXISTS (
    SELECT FROM audit_operation AS operation
    WHERE operation.id = row.operation_id AND operation.finished_at IS NOT NULL
)
LIMIT 1
""")

_ROWS_UNDER = sql.SQL("""
SELECT count(*)
FROM {table} AS row
JOIN audit_sealedoperation AS listed USING (operation_id)
WHERE listed.seal_id BETWEEN %(first)s AND %(last)s
""")

_ROW_OF = sql.SQL("SELECT min(history_id) FROM {table} WHERE operation_id = %(operation)s")

# The first of those that should be under a seal, if one should, and how many there are in all.
# A seal that says that nothing else waited is the last moment when something could be left out.
_WAITING = """
WITH newest AS (
    SELECT sealed_at FROM audit_seal
    WHERE document::jsonb ->> 'waiting' = '0'
    ORDER BY number DESC
    LIMIT 1
)
SELECT count(*) OVER (), operation.id, operation.finished_at, judged.late, judged.forgotten
FROM audit_operation AS operation
LEFT JOIN newest ON true
CROSS JOIN LATERAL (
    SELECT coalesce(
               operation.finished_at < newest.sealed_at - make_interval(secs => %(late)s), false
           ) AS late,
           NOT EXISTS (
               SELECT FROM audit_unsealed AS waiting WHERE waiting.operation_id = operation.id
           ) AS forgotten
) AS judged
WHERE operation.finished_at IS NOT NULL AND NOT EXISTS (
    SELECT FROM audit_sealedoperation AS listed WHERE listed.operation_id = operation.id
)
ORDER BY judged.late OR judged.forgotten DESC, operation.finished_at, operation.id
LIMIT 1
"""

_SEALED_LATE = """
SELECT count(*) OVER (), listed.operation_id
FROM audit_sealedoperation AS listed
JOIN audit_operation AS operation ON operation.id = listed.operation_id
JOIN audit_seal AS before ON before.number = listed.seal_id - 1
WHERE operation.finished_at < before.sealed_at - make_interval(secs => %(late)s)
  AND before.document::jsonb ->> 'waiting' = '0'
ORDER BY listed.seal_id, listed.place
LIMIT 1
"""


class SealedLate(NamedTuple):
    """Operations that got under their seal long after they say that they ended."""

    number: int
    first: UUID | None


def check_strays(*, layouts: Collection[str]) -> int:
    """Return how many operations wait for their seal, if nothing else is outside the seals.

    `layouts` are those that the seals name.

    Raises:
        Tampered: something is.
    """
    _check_listed(layouts)
    for table in sorted(present_layout().keys() - {OPERATIONS}):
        _check_operations_of(table)
    with connection.cursor() as cursor:
        cursor.execute(_WAITING, {"late": LATE.total_seconds()})
        found = cursor.fetchone()
    if found is None:
        return 0
    count, operation, finished_at, late, forgotten = found
    if late:
        raise Tampered(
            f"operation {operation} was inserted: it ended, it says, at {finished_at}, but was not"
            " there when the newest seal was made"
        )
    if forgotten:
        raise Tampered(
            f"operation {operation} is under no seal and does not wait for one: it was taken from"
            " those that wait (manage.py seal_audit puts it under one)"
        )
    return int(count)


def more_rows(found: Mapping[str, int], *, first: int, last: int) -> str:
    """Say in which table operations under these seals have other rows than were found; "" if in none."""
    for table in sorted({*found, *present_layout()} - {OPERATIONS}):
        statement = _ROWS_UNDER.format(table=sql.Identifier(table))
        with connection.cursor() as cursor:
            cursor.execute(statement, {"first": first, "last": last})
            (there,) = cursor.fetchone()
        if there != found.get(table, 0):
            return (
                f"{table}: {there} rows are of sealed operations, {found.get(table, 0)} are sealed"
            )
    return ""


def check_kept(in_archives: Mapping[str, Dropped]) -> None:
    """Compare the rows that were kept when months were dropped with what was said of them then.

    Raises:
        Tampered: they are not the same rows.
    """
    for table, said in in_archives.items():
        found = rows_below(table=table, below=said.below)
        if found != said:
            raise Tampered(
                f"{table}: of its old months {said.kept} rows were kept when they were archived, and now"
                f" there are {'others' if found.kept == said.kept else found.kept}"
            )


def sealed_late() -> SealedLate:
    """Return the operations that say that they ended long before a seal that they are not under."""
    with connection.cursor() as cursor:
        cursor.execute(_SEALED_LATE, {"late": LATE.total_seconds()})
        return SealedLate(*(cursor.fetchone() or (0, None)))


def _check_listed(layouts: Collection[str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_LISTED_NOWHERE)
        if found := cursor.fetchone():
            raise Tampered(found[0])
    for digest in Layout.objects.exclude(pk__in=layouts).values_list("pk", flat=True):
        raise Tampered(f"layout {digest} was inserted: no seal names it")


def _check_operations_of(table: str) -> None:
    identifier = {"table": sql.Identifier(table)}
    with connection.cursor() as cursor:
        # Asked for the operation alone, which its index answers; the row is looked up if there is one.
        cursor.execute(_ROW_OF_NONE.format(**identifier))
        if found := cursor.fetchone():
            cursor.execute(_ROW_OF.format(**identifier), {"operation": found[0]})
            (key,) = cursor.fetchone()
            raise Tampered(
                f"operation {found[0]}: row {key} of {table} was inserted, there is no such"
                " finished operation"
            )
