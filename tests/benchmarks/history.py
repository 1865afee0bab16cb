"""A long history of the estate, made by the database set by set, and sealed by the sealer.

Two years of operations, some 50 rows to an operation on the average, as `history_queries` says. Every row
follows from the one before it, and what is so at the end is what the newest rows say, as if all of it
had been done. `BENCH_HISTORY` is about how many rows.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from audit.models import Operation
from audit.proof.seals import seal_all
from tests.benchmarks import estate_queries
from tests.benchmarks import history_queries as queries
from tests.benchmarks import history_row_queries as row_queries
from tests.benchmarks.estate import AGE, Estate, add_operation, bare, unguarded
from tests.benchmarks.honest import check_history
from tests.benchmarks.timing import say


# What programs called themselves; nothing that is measured does.
AGENT = "deployer/1.4"
_ROWS_OF_OPERATION = 50
_LARGEST_BATCH = 20_000

PLAN = (
    queries.REMEMBER,
    queries.DO_NOT_SORT,
    queries.MAKE_DICE,
    queries.OPEN_MONTHS,
    queries.NUMBER_PROJECTS,
    queries.NUMBER_TASKS,
    queries.NUMBER_ACTORS,
    queries.PLAN_OPERATIONS,
    "ANALYZE numbered_project, numbered_task, numbered_actor, planned_operation",
    queries.PLAN_TASKS,
    row_queries.PLAN_MATRICES,
    row_queries.ADD_MATRICES,
    estate_queries.ADD_MATRIX_HISTORY,
    row_queries.ADD_MATRIX_ROWS,
    row_queries.FIND_MATRICES,
    "ANALYZE planned_task, numbered_matrix",
    row_queries.PLAN_MOVES,
    row_queries.PLAN_ROWS,
    row_queries.INDEX_ROWS,
    row_queries.PLAN_MEMBERS,
    row_queries.COUNT_MEMBERS,
    "ANALYZE planned_move, planned_row, planned_member",
    row_queries.PLAN_DIFFERENCES,
    row_queries.PLAN_FACETS,
    "ANALYZE planned_facet",
)
WRITE = (
    queries.ADD_OPERATIONS,
    row_queries.RECORD_MATRICES,
    row_queries.ADD_TASK_HISTORY,
    row_queries.ADD_PERMISSION_HISTORY,
    row_queries.ADD_ROW_HISTORY,
    row_queries.ADD_MEMBER_HISTORY,
    row_queries.KEEP_KEYS,
    row_queries.SET_TASKS,
    row_queries.SET_PERMISSIONS,
    row_queries.SET_ROWS,
    queries.AWAIT_SEALS,
)


@dataclass(frozen=True, kw_only=True)
class LongHistory:
    """How much there is, and the largest operations: on settings, and on permissions."""

    operations: int
    rows: int
    settings: UUID
    permissions: UUID


def long_history(*, estate: Estate, rows: int) -> LongHistory:
    """Return the history that the database holds, made and sealed now if there is none."""
    if not Operation.objects.filter(user_agent=AGENT).exists():
        say(f"Making a history of {rows:,} rows")
        _generate(estate=estate, rows=rows)
        check_history()
    say("Sealing what waits for it")
    seal_all()
    with connection.cursor() as cursor:
        cursor.execute(queries.GENERATED)
        operations, in_all, settings, permissions = cursor.fetchone()
    return LongHistory(
        operations=operations, rows=in_all, settings=settings, permissions=permissions
    )


def _generate(*, estate: Estate, rows: int) -> None:
    histories = [table for table in queries.LARGE_TABLES if "historical" in table]
    arguments: dict[str, Any] = {
        "operations": max(rows // _ROWS_OF_OPERATION, 20),
        "largest": min(
            _LARGEST_BATCH, estate.size.tasks // estate.size.stride, max(rows // 50, 50)
        ),
        "agent": AGENT,
        "histories": histories,
    }
    with (
        transaction.atomic(),
        connection.cursor() as cursor,
        bare(queries.LARGE_TABLES),
        unguarded(queries.GUARDED_TABLES),
    ):
        # The matrices that batches will set.
        made = add_operation(timezone.now() - AGE)
        arguments |= {"operation": made.pk, "actor": made.actor_id, "born": made.created_at}
        arguments |= {"tasks": 2 * estate.size.tasks}
        for statement in (*PLAN, *WRITE):
            cursor.execute(statement, arguments)
        for table in histories:
            cursor.execute(queries.GO_ON.format(table), {"table": table})
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
