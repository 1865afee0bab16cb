"""The SQL of reading the trail, in the open: which rows of history are told, in which order.

Newest operations first; of an operation, subject by subject, in the order of writing. An operation that
has no row to tell is told itself: its key has no subject. `{operations}` is the statement of the operations
that a filter leaves. Only keys are read here, so that a page costs the
same whether an operation has ten rows or ten thousand; `audit.subjects` reads what they say.
"""

from collections.abc import Sequence
from typing import LiteralString, NamedTuple

from psycopg import sql

from audit.subjects import Subject


class Window(NamedTuple):
    """Which part of the keys is wanted: those behind a place, so many."""

    is_behind: bool = False
    is_limited: bool = False

    @property
    def limit(self) -> sql.SQL:
        """The clause of the limit."""
        return sql.SQL("LIMIT %s" if self.is_limited else "")


class Seen(NamedTuple):
    """What others than auditors see: rows about these tasks and, of their own operations, other rows."""

    actor_id: int
    tasks: sql.Composable

    def clause(self, subject: Subject) -> sql.Composed:
        """Return the condition on the subject's rows."""
        if subject.task_column:
            return sql.SQL("AND {} IN ({})").format(sql.Identifier(subject.task_column), self.tasks)
        return sql.SQL("AND operation.actor_id = {}").format(sql.Literal(self.actor_id))


_BY_OPERATION = sql.SQL("""
SELECT operation.created_at, operation.id, entry.subject, entry.history_id
FROM ({operations}) AS operation
LEFT JOIN LATERAL (
    SELECT subject, history_id
    FROM ({entries}) AS entry
    {behind}
    ORDER BY subject, history_id
    {limit}
) AS entry ON true
{itself}
ORDER BY operation.created_at DESC, operation.id DESC, entry.subject, entry.history_id
{limit}
""")
_ENTRY_OF_OPERATION: LiteralString = (
    "SELECT {subject} AS subject, history_id FROM {history}"
    " WHERE operation_id = operation.id {seen}"
)

_BY_TASK = sql.SQL("""
SELECT operation.created_at, operation.id, entry.subject, entry.history_id
FROM ({entries}) AS entry
JOIN ({operations}) AS operation ON operation.id = entry.operation_id
{behind}
ORDER BY operation.created_at DESC, operation.id DESC, entry.subject, entry.history_id
{limit}
""")
_ENTRY_OF_TASK: LiteralString = (
    "SELECT {subject} AS subject, history_id, operation_id FROM {history} WHERE {column} = {task}"
)
_BEHIND = sql.SQL("""
    WHERE operation.id <> %s::uuid
       OR (entry.subject, entry.history_id) > (%s::integer, %s::bigint)
""")

# Of the operation that a page ended in, something has been told.
_ITSELF_BEHIND = sql.SQL("WHERE entry.subject IS NOT NULL OR operation.id <> %s::uuid")

_OPERATION_OF_TASK: LiteralString = "SELECT operation_id FROM {history} WHERE {column} = {task}"


# Of any operation: whether it changed one of these tasks.
_TOUCHES: LiteralString = (
    "EXISTS (SELECT FROM {history}"
    " WHERE operation_id = audit_operation.id AND {column} IN ({tasks}))"
)


def keys_by_operation(
    *,
    operations: sql.Composable,
    subjects: Sequence[Subject],
    window: Window,
    seen: Seen | None,
) -> sql.Composed:
    """Return the statement of the rows of the operations, which are sorted already."""
    return _BY_OPERATION.format(
        operations=operations,
        entries=sql.SQL(" UNION ALL ").join(
            sql.SQL(_ENTRY_OF_OPERATION).format(
                subject=sql.Literal(number),
                history=sql.Identifier(subject.history),
                seen=seen.clause(subject) if seen else sql.SQL(""),
            )
            for number, subject in enumerate(subjects)
        ),
        behind=_BEHIND if window.is_behind else sql.SQL(""),
        itself=_ITSELF_BEHIND if window.is_behind else sql.SQL(""),
        limit=window.limit,
    )


def keys_by_task(
    *, operations: sql.Composable, subjects: Sequence[Subject], window: Window, task_id: int
) -> sql.Composed:
    """Return the statement of the rows of a task that the operations wrote."""
    return _BY_TASK.format(
        operations=operations,
        entries=_of_task(_ENTRY_OF_TASK, subjects, task_id),
        behind=_BEHIND if window.is_behind else sql.SQL(""),
        limit=window.limit,
    )


def operations_of_task(*, subjects: Sequence[Subject], task_id: int) -> sql.Composed:
    """Return the statement of the operations that changed a task."""
    return _of_task(_OPERATION_OF_TASK, subjects, task_id)


def touches_task(*, subjects: Sequence[Subject], tasks: sql.Composable) -> sql.Composed:
    """Return the condition that an operation changed one of the tasks, a statement of keys."""
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
