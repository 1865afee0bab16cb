"""What the undos of changes of tasks share: how they find their targets and read what these were."""

from collections.abc import Sequence
from typing import NamedTuple

from django.db import connection

from tasks import queries
from tasks.batch.change import Restore


def uids_of_operation(operation_id: str) -> list[str]:
    """Return the ids of the tasks, recycled ones included, that the operation changed or added."""
    with connection.cursor() as cursor:
        cursor.execute(queries.UIDS_OF_OPERATION, {"operation": operation_id})
        return [uid for (uid,) in cursor.fetchall()]


class RestorableRow(NamedTuple):
    """A task as it is, as it was before an operation, and whether it still is as the operation left it."""

    id: int
    uid: str
    task_type_id: int
    version: int
    settings: str
    enabled: bool
    disabled_reason: str
    settings_before: str
    enabled_before: bool
    disabled_reason_before: str
    settings_untouched: bool
    enabled_untouched: bool
    recycled: bool


class RestoreTask(Restore[RestorableRow]):
    """Takes columns of tasks back to what they were before an operation."""

    @classmethod
    def uids_of(cls, *, operation_id: str) -> list[str]:
        """Return the ids of the tasks that the operation changed."""
        return uids_of_operation(operation_id)

    def read(self, *, uids: Sequence[str], lock: bool) -> list[RestorableRow]:
        """Return the tasks as they are and as they were before the operation."""
        statement = queries.READ_BEFORE_OPERATION + (queries.LOCK_TASK if lock else "")
        with connection.cursor() as cursor:
            cursor.execute(statement, {"uids": list(uids), "operation": self.operation_id})
            return [RestorableRow._make(row) for row in cursor.fetchall()]
