"""The SQL of finding operations by the tasks that they changed, and of counting them by the hour."""

from collections.abc import Sequence
from typing import LiteralString
from uuid import UUID

from django.db import connection
from psycopg import sql

from audit.subjects import Subject


_OPERATION_OF_TASK: LiteralString = "SELECT operation_id FROM {history} WHERE {column} = {task}"


# Of any operation: whether it changed one of the tasks. Each is asked for by itself: OFFSET keeps the
# database from finding out all of them anew for every operation.
_TOUCHES: LiteralString = """EXISTS (
    SELECT FROM (
        SELECT {column} AS task_id FROM {history} WHERE operation_id = audit_operation.id
    ) AS touched
    WHERE EXISTS ({tasks} OFFSET 0)
)"""


def operations_of_task(*, subjects: Sequence[Subject], task_id: int) -> sql.Composed:
    """Return the statement of the operations that changed a task."""
    return _of_task(subjects, sql.Literal(task_id))


def read_operations_of(*, subjects: Sequence[Subject], task_ids: Sequence[int]) -> set[UUID]:
    """Return the operations that changed one of the tasks."""
    statement = _of_task(subjects, sql.SQL("ANY(%(tasks)s::bigint[])"))
    with connection.cursor() as cursor:
        cursor.execute(statement, {"tasks": list(task_ids)})
        return {operation_id for (operation_id,) in cursor.fetchall()}


def touches_task(*, subjects: Sequence[Subject], tasks: sql.Composable) -> sql.Composed:
    """Return the condition that an operation changed a task; the statement finds `touched.task_id`."""
    return sql.SQL("({})").format(
        sql.SQL(" OR ").join(
            sql.SQL(_TOUCHES).format(
                history=sql.Identifier(subject.history),
                column=sql.Identifier(subject.task_column),
                tasks=tasks,
            )
            for subject in subjects
            if subject.task_column
        )
    )


def _of_task(subjects: Sequence[Subject], task: sql.Composable) -> sql.Composed:
    """Return the statement for each subject of tasks together."""
    return sql.SQL(" UNION ALL ").join(
        sql.SQL(_OPERATION_OF_TASK).format(
            history=sql.Identifier(subject.history),
            column=sql.Identifier(subject.task_column),
            task=task,
        )
        for subject in subjects
        if subject.task_column
    )


# When listed operations were asked for: (hour, by people, by programs, refused).
COUNT_BY_HOUR = sql.SQL("""
SELECT date_trunc('hour', listed.created_at, 'UTC') AS hour,
       count(*) FILTER (WHERE listed.state <> 'refused' AND listed.by_people),
       count(*) FILTER (WHERE listed.state <> 'refused' AND NOT listed.by_people),
       count(*) FILTER (WHERE listed.state = 'refused')
FROM ({listed}) AS listed (created_at, state, by_people)
GROUP BY hour
ORDER BY hour
""")
