"""What was archived and dropped: the operations that did it say so, and are under seal like all others."""

import hashlib
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from typing import NamedTuple

from django.db import connection
from psycopg import sql

from audit.models import Operation, State
from audit.proof.verification.tampered import Tampered


ARCHIVE = "archive_history"

_AT_ONCE = 10_000
_KEYS = sql.SQL("SELECT history_id FROM {table} WHERE history_id < %(below)s ORDER BY history_id")


class Dropped(NamedTuple):
    """What of a table is in archives: rows below a number, except for those that were kept."""

    below: int
    kept: int
    kept_keys: str


def newest_archive() -> Operation | None:
    """Return the operation that archived last, which tells what is in all archives together."""
    archives = Operation.objects.filter(kind=ARCHIVE, state=State.APPLIED)
    return archives.order_by("-finished_at", "-id").first()


def dropped() -> dict[str, Dropped]:
    """Return what is in archives, by table.

    Raises:
        Tampered: the operation that archived last does not say it as the application does.
    """
    archive = newest_archive()
    if archive is None:
        return {}
    try:
        return {
            table: Dropped(int(said["below"]), int(said["kept"]), str(said["kept_keys"]))
            for table, said in archive.parameters["tables"].items()
        }
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Tampered(f"operation {archive.pk} does not say what was archived") from error


def archived_until() -> int:
    """Return the number of the last seal that is in an archive; 0 if there is none."""
    archive = newest_archive()
    return int(archive.parameters["last_seal"]) if archive else 0


def history_begins() -> datetime | None:
    """Return since when every question about the past can be answered; None if since the beginning."""
    archive = newest_archive()
    return datetime.fromisoformat(archive.parameters["before"]) if archive else None


def rows_below(*, table: str, below: int) -> Dropped:
    """Return how many rows below the number the table has, and the digest of their numbers."""
    digest, count = hashlib.sha256(), 0
    for key in _keys(table, below):
        digest.update(key.to_bytes(8, "big"))
        count += 1
    return Dropped(below=below, kept=count, kept_keys=digest.hexdigest())


def _keys(table: str, below: int) -> Iterator[int]:
    with closing(connection.chunked_cursor()) as cursor:
        cursor.execute(_KEYS.format(table=sql.Identifier(table)), {"below": below})
        while rows := cursor.fetchmany(_AT_ONCE):
            yield from (key for (key,) in rows)
