"""Print the SQL that gives the application's database role what it needs and keeps it from the trail."""

from argparse import ArgumentParser
from collections.abc import Sequence

import pgtrigger
from django.core.management.base import BaseCommand
from django.db import connection
from psycopg import sql

from audit.append_only import APPEND_ONLY, FORWARD_ONLY
from audit.months import history_models


_GRANTS = sql.SQL("""\
-- To be run by the owner of the tables after every migrate: psql --single-transaction
GRANT USAGE ON SCHEMA {schema} TO {role};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role};
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO {role};

-- Which migrations were applied is the owner's business, and so is what they make: which rights there
-- are. Who was given one has its number alone.
REVOKE INSERT, UPDATE, DELETE ON
    django_migrations, django_content_type, auth_permission
FROM {role};

-- History and seals are only added to; operations move forward, as their trigger sees to.
REVOKE UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON
    {append_only}
FROM {role};
REVOKE DELETE, TRUNCATE, REFERENCES, TRIGGER ON {forward_only} FROM {role};

-- Rows of history are numbered by the database: the number says when a row was written.
REVOKE INSERT ON
    {histories}
FROM {role};
{insertions}

-- The months of history are reached through their tables alone.
REVOKE ALL ON
    {partitions}
FROM {role};
""")

_INSERTION = sql.SQL("GRANT INSERT ({columns}) ON {table} TO {role};")

_PARTITIONS = """
SELECT inhrelid::regclass::text FROM pg_inherits
JOIN pg_class AS part ON part.oid = inhrelid AND part.relispartition AND part.relkind = 'r'
ORDER BY 1
"""


class Command(BaseCommand):
    """Print the grants; see docs/how-to/protect-the-audit-trail.md."""

    help = (
        "Print the SQL that lets ROLE run the application, and keeps it from changing or removing what"
        " was recorded. See docs/how-to/protect-the-audit-trail.md."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the application's role."""
        parser.add_argument("role", help="the role that the application connects as")

    def handle(self, *_args: object, role: str, **_options: object) -> None:
        """Print them."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_schema()")
            (schema,) = cursor.fetchone()
            cursor.execute(_PARTITIONS)
            partitions = [name for (name,) in cursor.fetchall()]
            grants = _GRANTS.format(
                schema=sql.Identifier(schema),
                role=sql.Identifier(role),
                append_only=_tables(APPEND_ONLY[0]),
                forward_only=_tables(FORWARD_ONLY[0]),
                partitions=_listed(partitions),
                histories=_listed([history._meta.db_table for history in history_models()]),
                insertions=_insertions(role),
            )
            self.stdout.write(grants.as_string(cursor.connection))


def _insertions(role: str) -> sql.Composed:
    """Return the grants to add rows to history, without choosing their numbers."""
    return sql.SQL("\n").join(
        _INSERTION.format(
            columns=sql.SQL(", ").join(
                sql.Identifier(str(field.column))
                for field in history._meta.concrete_fields
                if not field.primary_key
            ),
            table=sql.Identifier(history._meta.db_table),
            role=sql.Identifier(role),
        )
        for history in history_models()
    )


def _tables(guard: pgtrigger.Trigger) -> sql.Composed:
    """Return the tables that this guard is on."""
    tables = sorted(
        model._meta.db_table for model, trigger in pgtrigger.registered() if trigger is guard
    )
    return _listed(tables)


def _listed(tables: Sequence[str]) -> sql.Composed:
    return sql.SQL(",\n    ").join(map(sql.Identifier, tables))
