"""What is: every tracked row must be what its newest row of history says, none more, none fewer.

Seals prove that what was recorded stays. Whoever changes a row without a record, by a database role that
silences the triggers, alters nothing that is under seal: it shows here.
"""

from collections.abc import Callable
from typing import LiteralString

from django.db import connection, models
from psycopg import sql
from simple_history.models import registered_models

from audit.proof.verification.tampered import Tampered


# The first object that differs. Joined by the database, set by set, so that memory does not grow; as
# text, like under seals, because PostgreSQL takes the numbers 1 and 1.0 in JSON for equal.
_FIRST = sql.SQL("""
WITH newest AS (
    SELECT {key} AS key, max(history_id) AS history_id FROM {history} GROUP BY {key}
), said AS (
    SELECT entry.*
    FROM newest
    JOIN {history} AS entry ON entry.history_id = newest.history_id
    WHERE entry.history_type <> '-'
)
SELECT coalesce(live.{key}, said.{key}) AS key,
       CASE
           WHEN said.{key} IS NULL THEN 'was added'
           WHEN live.{key} IS NULL THEN 'was removed'
           ELSE 'is not what its newest history says: it was changed'
       END
FROM {table} AS live
FULL JOIN said ON said.{key} = live.{key}
WHERE (said.{key} IS NULL AND NOT ({unrecorded}))
   OR live.{key} IS NULL
   OR (said.{key} IS NOT NULL AND ROW({live})::text <> ROW({said})::text)
ORDER BY key
LIMIT 1
""")

_unrecorded: dict[str, LiteralString] = {}
_checks: list[Callable[[], None]] = []


def leave_unrecorded(*, table: str, where: LiteralString) -> None:
    """Say which rows of a tracked table have no history; the condition is over `live`."""
    _unrecorded[table] = where


def register_check(check: Callable[[], None]) -> None:
    """Have verification call this; it raises `Tampered` if what is there cannot be."""
    _checks.append(check)


def check_present() -> None:
    """Compare what is with what was recorded.

    Raises:
        Tampered: something was changed without a record; the message names the first object.
    """
    for model in sorted(registered_models.values(), key=lambda model: model._meta.db_table):
        _check_table(model)
    for check in _checks:
        check()


def _check_table(model: type[models.Model]) -> None:
    history = model.history.model  # type: ignore[attr-defined]  # added by the library
    key, table = model._meta.pk, model._meta.db_table
    assert key is not None  # noqa: S101 - a concrete model has a key
    columns = [history._meta.get_field(field.name).column for field in history.tracked_fields]
    statement = _FIRST.format(
        key=sql.Identifier(str(key.column)),
        history=sql.Identifier(history._meta.db_table),
        table=sql.Identifier(table),
        unrecorded=sql.SQL(_unrecorded.get(table, "false")),
        **{
            side: sql.SQL(", ").join(sql.Identifier(side, column) for column in columns)
            for side in ("live", "said")
        },
    )
    with connection.cursor() as cursor:
        cursor.execute(statement)
        found = cursor.fetchone()
    if found:
        raise Tampered(f"row {found[0]} of {table} {found[1]} without a record")
