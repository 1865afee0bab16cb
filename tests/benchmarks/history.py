"""A long history of the estate's tasks and permissions, made by the database set by set.

Two years of operations, 50 rows to an operation on the average: most change a few rows, one in twenty
some hundreds, one in two hundred some thousands, and ten as many as a batch can. Ids and times agree,
as those of real operations do. `BENCH_HISTORY` is the number of rows.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from audit.models import Operation
from tests.benchmarks import history_queries as queries
from tests.benchmarks.estate import Estate, bare


# Marks what was generated; the first of its operations has this reason.
REASON = "generated"
_ROWS_OF_OPERATION = 50
_LARGEST_BATCH = 20_000


@dataclass(frozen=True, kw_only=True)
class LongHistory:
    """What was generated: how much, and the operations that cases ask about."""

    operations: int
    rows: int
    largest: UUID


def long_history(*, estate: Estate, rows: int) -> LongHistory:
    """Return the history that the database holds, made now if there is none."""
    generated = Operation.objects.filter(reason=REASON)
    if not generated.exists():
        _generate(estate=estate, rows=rows)
    with connection.cursor() as cursor:
        cursor.execute(queries.GENERATED, {"reason": REASON})
        operations, in_all, largest = cursor.fetchone()
    return LongHistory(operations=operations, rows=in_all, largest=largest)


def _generate(*, estate: Estate, rows: int) -> None:
    operations = max(rows // _ROWS_OF_OPERATION, 20)
    arguments: dict[str, Any] = {
        "operations": operations,
        "largest": min(_LARGEST_BATCH, max(rows // 50, 50)),
        "actor": estate.manager.pk,
        "actor_name": estate.manager.username,
        "reason": REASON,
        "histories": [table for table in queries.LARGE_TABLES if "historical" in table],
    }
    with transaction.atomic(), connection.cursor() as cursor, bare(queries.LARGE_TABLES):
        for statement in queries.GENERATE:
            cursor.execute(statement, arguments)
        for table in arguments["histories"]:
            cursor.execute(queries.GO_ON.format(table), {"table": table})
    with connection.cursor() as cursor:
        for table in queries.LARGE_TABLES:
            cursor.execute(f"VACUUM ANALYZE {table}")
