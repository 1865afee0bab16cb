"""The canonical documents of operations and their history rows: what seals and exports are made of.

A document is JSON in the form of RFC 8785, `{"row":{…},"table":"…"}`, with every column as PostgreSQL
writes it as text, or null. The database renders it, which is what makes sealing and verifying fast:
an object of nothing but strings has the same form there as everywhere, if its names are sorted.
Columns that hold JSON are strings, too: as numbers, RFC 8785 could not tell 1 from 1.0.
"""

import hashlib
from collections.abc import Generator, Iterable, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

import rfc8785
from django.db import connection, models
from django.db.backends.utils import CursorWrapper
from psycopg import sql
from simple_history.models import registered_models

from audit.models import Operation


# Names of tables and, for each, of its columns.
Layout = Mapping[str, Sequence[str]]

OPERATIONS = "audit_operation"

# How values look as text must not depend on whose session it is.
_TEXT_FORMS = """
SELECT set_config('TimeZone', 'UTC', true),
       set_config('DateStyle', 'ISO, YMD', true),
       set_config('IntervalStyle', 'postgres', true),
       set_config('bytea_output', 'hex', true),
       set_config('extra_float_digits', '1', true)
"""

_OF_TABLE = sql.SQL("""
SELECT wanted.place, {table} AS table_name, {key} AS key, {document} AS document
FROM unnest(%(operations)s::uuid[]) WITH ORDINALITY AS wanted(operation_id, place)
JOIN {from} AS source ON source.{operation} = wanted.operation_id
""")

_DOCUMENT = sql.SQL("""(
    SELECT {opening} || row_to_json(columns)::text || {closing}
    FROM (SELECT {columns}) AS columns
)""")

# Streamed by COPY, so that the database goes on while what it has sent is worked on.
_IN_ORDER = sql.SQL("""
COPY (
    SELECT place, table_name, key, convert_to(document, 'UTF8')
    FROM ({documents}) AS documents
    ORDER BY place, table_name COLLATE "C", key
) TO STDOUT (FORMAT binary)
""")


class Document(NamedTuple):
    """A row as it is: the place of its operation in a list from 1, its table and key, and its text."""

    place: int
    table: str
    key: int
    text: bytes


def present_layout() -> Layout:
    """Return the tables under seal, operations and all history, with their columns."""
    tables = [Operation, *(model.history.model for model in registered_models.values())]
    return {table._meta.db_table: _columns(table) for table in tables}


def canonical(value: Mapping[str, object]) -> bytes:
    """Return the JSON of RFC 8785."""
    return rfc8785.dumps(value)  # type: ignore[arg-type]  # its own name for what JSON can say


def sha256(data: bytes) -> str:
    """Return the digest in hex."""
    return hashlib.sha256(data).hexdigest()


def fix_text_forms(cursor: CursorWrapper) -> None:
    """Have values written in one way until the end of the transaction."""
    cursor.execute(_TEXT_FORMS)


def select_documents(layout: Layout) -> sql.Composed:
    """Return the query for the documents of `%(operations)s`, in no order.

    Its columns: the place of the operation in the list from 1, the table, the row's `history_id` (0 for
    the operation itself), and the document.
    """
    return sql.SQL(" UNION ALL ").join(_of_table(*entry) for entry in sorted(layout.items()))


def rendered(table: str, columns: Iterable[str]) -> sql.Composed:
    """Return the expression for the document of a row, which goes by the name of `source`."""
    texts = [
        sql.SQL("source.{0}::text AS {0}").format(sql.Identifier(column))
        for column in sorted(columns)
    ]
    return _DOCUMENT.format(
        columns=sql.SQL(", ").join(texts),
        opening=sql.Literal('{"row":'),
        closing=sql.Literal(f',"table":"{table}"}}'),
    )


def documents_of(operations: Sequence[UUID], *, layout: Layout) -> Generator[Document]:
    """Return the documents of the operations, in the order of seals: by operation, table and key.

    One at a time, however many there are, on a connection that can do nothing else until it is closed,
    within the transaction that it began in.
    """
    statement = _IN_ORDER.format(documents=select_documents(layout))
    with connection.cursor() as cursor:
        fix_text_forms(cursor)
        with cursor.copy(statement, {"operations": list(operations)}) as copy:
            copy.set_types(("int8", "text", "int8", "bytea"))
            yield from map(Document._make, copy.rows())


def _columns(table: type[models.Model]) -> list[str]:
    """Return the columns that say something of their own; generated ones follow from the others."""
    return sorted(
        str(field.column)
        for field in table._meta.concrete_fields
        if not isinstance(field, models.GeneratedField)
    )


def _of_table(table: str, columns: Iterable[str]) -> sql.Composed:
    is_operation = table == OPERATIONS
    return _OF_TABLE.format(
        **{"from": sql.Identifier(table)},
        table=sql.Literal(table),
        key=sql.SQL("0::bigint" if is_operation else "source.history_id"),
        operation=sql.Identifier("id" if is_operation else "operation_id"),
        document=rendered(table, columns),
    )
