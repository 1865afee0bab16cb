"""The schemas of the task types that a batch meets."""

from collections.abc import Iterable
from typing import NamedTuple

from django.db import connection

from tasks import queries
from tasks.schemas import CompiledSchema, compiled_schema


class TypeSchema(NamedTuple):
    """A task type's compiled schema and which version of the type it is of."""

    version: int
    schema: CompiledSchema


def read_schemas(type_ids: Iterable[int]) -> dict[int, TypeSchema]:
    """Return the schemas of the task types, in one query."""
    with connection.cursor() as cursor:
        cursor.execute(queries.READ_SCHEMAS, {"ids": list(type_ids)})
        return {
            type_id: TypeSchema(version, compiled_schema(text))
            for type_id, version, text in cursor.fetchall()
        }
