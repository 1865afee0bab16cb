"""New tasks: written with their history in one statement, however many.

What checks them stands before this: `tasks.importing` for files.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from audit.models import Operation
from audit.recorder import record_insert
from tasks.models import Task


class NewTask(NamedTuple):
    """A task to be; `settings` is JSON text with references in place of secrets."""

    uid: str
    name: str
    project_id: int
    task_type_id: int
    settings: str
    created_by_id: int
    created_at: datetime
    enabled: bool = True
    disabled_reason: str = ""


def insert_tasks(*, operation: Operation, at: datetime, tasks: Sequence[NewTask]) -> int:
    """Insert the tasks and their history under the operation; return their number.

    Raises:
        RecordedCountDiffers: a task was not inserted.
        django.db.IntegrityError: an id, or a name in its project, is taken.
    """
    return record_insert(
        model=Task,
        operation=operation,
        columns={
            "uid": [task.uid for task in tasks],
            "project": [task.project_id for task in tasks],
            "task_type": [task.task_type_id for task in tasks],
            "name": [task.name for task in tasks],
            "settings": [task.settings for task in tasks],
            "enabled": [task.enabled for task in tasks],
            "disabled_reason": [task.disabled_reason for task in tasks],
            "created_by": [task.created_by_id for task in tasks],
            "created_at": [task.created_at for task in tasks],
            "updated_at": [at] * len(tasks),
            "version": [1] * len(tasks),
        },
    )
