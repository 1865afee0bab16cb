"""What was so at a moment, by the one rule of time that every question about the past keeps to.

An operation counts, all of it at once, from when it was finished (`Operation.finished_at`): taken by the
database's clock after its last change and just before its commit. Of several rows of one object the
newest counts: each got its number while the object was locked. `docs/explanation/time-travel.md`
says what follows from that, and how exact it is.
"""

from typing import LiteralString

from psycopg import sql


_AS_OF = sql.SQL("""LATERAL (
    SELECT {columns}
    FROM (
        SELECT entry.*
        FROM {history} AS entry
        JOIN audit_operation AS operation ON operation.id = entry.operation_id
        WHERE entry.{key} = {of}
          AND entry.history_id < audit_first_number({at}) + 10000000000
          AND entry.history_date <= {at}
          AND operation.finished_at <= {at}
        ORDER BY entry.history_id DESC
        LIMIT 1
    ) AS newest
    WHERE newest.history_type <> '-'
)""")


def as_of(
    *,
    history: LiteralString,
    of: LiteralString,
    columns: LiteralString,
    key: LiteralString = "id",
    at: LiteralString = "%(at)s",
) -> sql.Composed:
    """Return the SQL of the row that an object had at a moment: none if it did not exist then.

    `of` is the SQL of the object's key: an index gives its rows, newest first, those that were written
    later in the moment's month included; of later months, nothing is looked at.
    """
    return _AS_OF.format(
        history=sql.Identifier(history),
        key=sql.Identifier(key),
        of=sql.SQL(of),
        columns=sql.SQL(columns),
        at=sql.SQL(at),
    )
