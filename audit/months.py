"""History by months: each table of history has a partition for every month, so that old ones can go.

A row's number tells its month, and grows with time. So an object's rows in order are those of one
partition after the other, and the newest one is found without looking into all of them. Times would not
do that, and would have to be part of every key.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connections, models, transaction
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations import CreateModel
from django.db.migrations.state import ProjectState
from simple_history.models import registered_models


# How many numbers a month has.
_WIDTH = 10_000_000_000

# Opening waits for those who write operations, and others for it: not longer than this.
_PATIENCE = "1s"

# Nothing of ours is older, and what is numbered from 1 stands before it.
_FIRST_MONTH = datetime(2000, 1, 1, tzinfo=UTC)

_BEFORE = 'CREATE TABLE "{0}_before" PARTITION OF "{0}" FOR VALUES FROM (MINVALUE) TO ({1})'
_CAN_OPEN = "SELECT to_regproc('audit_open_month') IS NOT NULL"
_TABLES = """
SELECT oid::regclass::text FROM pg_class
WHERE oid = ANY(%(tables)s::text[]::regclass[]) AND relkind = 'p'
"""
_OPEN = "SELECT audit_open_month(%(table)s::regclass, %(month)s)"
_BEGIN = "SELECT audit_begin_month(%(table)s::regclass)"


class CreateHistory(CreateModel):
    """Make a table of history, with a partition for every month."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        """Make the table, and room for rows until `open_months` makes that of months."""
        with _partitioned(schema_editor):
            super().database_forwards(app_label, schema_editor, from_state, to_state)
        table = to_state.apps.get_model(app_label, self.name)._meta.db_table
        schema_editor.execute(_BEFORE.format(table, first_number(_FIRST_MONTH)))


@contextmanager
def _partitioned(schema_editor: BaseDatabaseSchemaEditor) -> Iterator[None]:
    usual = schema_editor.sql_create_table
    schema_editor.sql_create_table = f"{usual} PARTITION BY RANGE (history_id)"
    try:
        yield
    finally:
        schema_editor.sql_create_table = usual


def first_number(month: datetime) -> int:
    """Return the first number of a month's rows, as the database counts them."""
    there = month.astimezone(UTC)
    return (there.year * 12 + there.month - 1) * _WIDTH


def history_models() -> list[type[models.Model]]:
    """Return the model of every table of history."""
    return [model.history.model for model in registered_models.values()]


def open_months(*, at: datetime, using: str = "default") -> None:
    """Make the partitions of this and the next month where they are missing, and begin this month.

    Raises:
        OperationalError: somebody who writes for long was in the way; it can be tried again any time.
    """
    this_month = at.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    next_month = (this_month + timedelta(days=31)).replace(day=1)
    for table in _present_tables(using):
        with transaction.atomic(using=using), connections[using].cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [_PATIENCE])
            for month in (this_month, next_month):
                cursor.execute(_OPEN, {"table": table, "month": month})
            cursor.execute(_BEGIN, {"table": table})


def open_months_after_migrations(*, using: str, **_: Any) -> None:
    """Open months for tables that migrations have made."""
    open_months(at=datetime.now(UTC), using=using)


def _present_tables(using: str) -> list[str]:
    """Return the tables of history that there are: in the middle of migrations, some are not."""
    wanted = {model._meta.db_table for model in history_models()}
    there = wanted.intersection(connections[using].introspection.table_names())
    with connections[using].cursor() as cursor:
        cursor.execute(_CAN_OPEN)
        if not there or cursor.fetchone() == (False,):
            return []
        cursor.execute(_TABLES, {"tables": sorted(there)})
        return [table for (table,) in cursor.fetchall()]
