"""The floor: the smallest SQL that updates the same rows and inserts the same history.

The same tables with all their indexes and constraints, committed; the rows by their keys. No merge, no
validation, no authorization, no plan.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID, uuid4

from django.db import connection, transaction

from tests.benchmarks.estate import Estate


ADD_OPERATION = """
INSERT INTO audit_operation (
    id, kind, state, actor_id, actor_name, channel, token_name, request_id, user_agent, parameters,
    reason, fingerprint, targets, changed, unchanged, refusals, created_at, finished_at
)
VALUES (
    %(operation)s, 'floor', 'applied', %(actor)s, 'manager', 'command', '', '', '', '{}',
    '', '', 0, 0, 0, '[]', now(), now()
)
"""

# The floor writes its own history, as the recorder does.
NAME_RECORDER = "SELECT set_config('bulkhead.recorder', 'on', true)"

UPDATE_SETTINGS = """
WITH changed AS (
    UPDATE tasks_task AS target
    SET settings = jsonb_set(
            jsonb_set(settings, '{repository,branch}', to_jsonb(%(branch)s::text)),
            '{notifications,enabled}',
            to_jsonb(%(enabled)s::boolean)
        ),
        version = version + 1,
        updated_at = now()
    FROM unnest(%(ids)b::bigint[]) AS incoming (key)
    WHERE target.id = incoming.key
    RETURNING target.*
)
INSERT INTO tasks_historicaltask (
    id, uid, name, settings, enabled, disabled_reason, created_at, updated_at, recycled_at, version,
    project_id, task_type_id, created_by_id,
    history_type, history_date, history_user_id, operation_id
)
SELECT id, uid, name, settings, enabled, disabled_reason, created_at, updated_at, recycled_at, version,
       project_id, task_type_id, created_by_id,
       '~', now(), %(actor)s, %(operation)s
FROM changed
"""

UPDATE_PERMISSIONS = """
WITH changed AS (
    UPDATE permissions_taskpermission AS target
    SET matrix_id = %(matrix)s
    FROM unnest(%(ids)b::bigint[]) AS incoming (key)
    WHERE target.task_id = incoming.key
    RETURNING target.task_id, target.matrix_id, target.own_matrix_id
)
INSERT INTO permissions_historicaltaskpermission (
    task_id, matrix_id, own_matrix_id, history_type, history_date, history_user_id, operation_id
)
SELECT task_id, matrix_id, own_matrix_id, '~', now(), %(actor)s, %(operation)s
FROM changed
"""

ANOTHER_MATRIX = """
SELECT id FROM permissions_permissionmatrix
WHERE project_id = %(project)s AND digest IS NOT NULL
ORDER BY id
OFFSET %(turn)s
LIMIT 1
"""


class Floor:
    """Changes the same tasks over and over, each time to something else."""

    def __init__(self, *, estate: Estate, task_ids: Sequence[int]) -> None:
        self._estate = estate
        self._ids = sorted(task_ids)
        self._turn = 0

    def settings(self) -> None:
        """Set two settings of every task, as the endpoint does."""
        self._turn += 1
        branch, enabled = f"floor-{self._turn}", self._turn % 2 == 0
        self._change(UPDATE_SETTINGS, {"branch": branch, "enabled": enabled})

    def permissions(self) -> None:
        """Point every task at another matrix, which exists."""
        self._turn += 1
        with connection.cursor() as cursor:
            cursor.execute(ANOTHER_MATRIX, {"project": self._estate.project_id, "turn": self._turn})
            (matrix,) = cursor.fetchone()
        self._change(UPDATE_PERMISSIONS, {"matrix": matrix})

    def _change(self, statement: str, arguments: Mapping[str, str | int]) -> None:
        recorded: dict[str, int | UUID] = {"actor": self._estate.manager.pk, "operation": uuid4()}
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(NAME_RECORDER)
            cursor.execute(statement, {**arguments, **recorded, "ids": self._ids})
            assert cursor.rowcount == len(self._ids)
            # Last, as the recorder does: a finished operation gets no further rows.
            cursor.execute(ADD_OPERATION, recorded)
