"""The SQL of finding operations by the tasks that they changed, and of counting them by the hour."""

from collections.abc import Mapping, Sequence
from typing import LiteralString, NamedTuple
from uuid import UUID

from django.db import connection
from psycopg import sql

from audit.trail.subjects import Subject


_OPERATION_OF_TASK: LiteralString = "SELECT operation_id FROM {history} WHERE {column} = {task}"
_ROWS_OF_TASKS: LiteralString = """
SELECT operation_id, {subject}, history_id FROM {history} WHERE {column} = ANY(%(tasks)s::bigint[])
"""


# Of any operation: whether it changed one of the tasks.
_TOUCHES: LiteralString = """EXISTS (
    SELECT FROM (
        SELECT {column} AS task_id FROM {history} WHERE operation_id = audit_operation.id
    ) AS touched
    WHERE {views}
)"""


class Row(NamedTuple):
    """A row of history: the name of its subject, and its number."""

    subject: str
    history_id: int


def operations_of_task(*, subjects: Sequence[Subject], task_id: int) -> sql.Composed:
    """Return the statement of the operations that changed a task."""
    return _of_tasks(_OPERATION_OF_TASK, subjects, task=sql.Literal(task_id))


def read_rows_of(
    *, subjects: Sequence[Subject], task_ids: Sequence[int]
) -> Mapping[UUID, Sequence[Row]]:
    """Return what operations wrote of the tasks."""
    statement = _of_tasks(_ROWS_OF_TASKS, subjects)
    found: dict[UUID, list[Row]] = {}
    with connection.cursor() as cursor:
        cursor.execute(statement, {"tasks": list(task_ids)})
        for operation_id, *row in cursor.fetchall():
            found.setdefault(operation_id, []).append(Row._make(row))
    return found


def touches_task(*, subjects: Sequence[Subject], views: sql.Composable) -> sql.Composed:
    """Return the condition that an operation changed a task, of which another says that it is viewed.

    That one is asked of `touched.task_id`.
    """
    return sql.SQL("({})").format(
        sql.SQL(" OR ").join(
            sql.SQL(_TOUCHES).format(
                history=sql.Identifier(subject.history),
                column=sql.Identifier(subject.task_column),
                views=views,
            )
            for subject in subjects
            if subject.task_column
        )
    )


def _of_tasks(
    text: LiteralString, subjects: Sequence[Subject], **parts: sql.Composable
) -> sql.Composed:
    """Return the statement for each subject of tasks together."""
    return sql.SQL(" UNION ALL ").join(
        sql.SQL(text).format(
            subject=sql.Literal(subject.name),
            history=sql.Identifier(subject.history),
            column=sql.Identifier(subject.task_column),
            **parts,
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
