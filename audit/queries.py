"""The SQL of finding operations by the tasks that they changed."""

from collections.abc import Sequence
from typing import LiteralString

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
    return _of_task(_OPERATION_OF_TASK, subjects, task_id)


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


def _of_task(template: LiteralString, subjects: Sequence[Subject], task_id: int) -> sql.Composed:
    """Return the template for each subject of tasks; a subject is told apart by its place among all."""
    return sql.SQL(" UNION ALL ").join(
        sql.SQL(template).format(
            subject=sql.Literal(number),
            history=sql.Identifier(subject.history),
            column=sql.Identifier(subject.task_column),
            task=sql.Literal(task_id),
        )
        for number, subject in enumerate(subjects)
        if subject.task_column
    )
