"""What a task's settings looked like at a moment: answered from history alone.

Owns the questions about the past of tasks; who could do what is `permissions.past`. The rule of time is
`audit.past`.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib.auth.models import User
from django.db import connection

from audit.differences import Difference, steps_of, value_at
from audit.masking import SECRET, masked
from audit.visibility import may_audit
from tasks import queries
from tasks.changes.places import told_places
from tasks.schemas import Pointer, compiled_schema, hides
from tasks.visibility import visible_tasks


class TaskUnknown(Exception):
    """There is no such task, or what it is, or was, is none of the actor's business."""


class MadeBy(NamedTuple):
    """The operation that made something as it was."""

    id: UUID
    kind: str
    actor_name: str
    finished_at: datetime


@dataclass(frozen=True, kw_only=True)
class TaskState:
    """A task as it was; `settings` hold references, and `secrets` are the places that are secret.

    A place counts as secret if the task's type says so today, or said so then.
    """

    uid: str
    name: str
    project_uid: str
    type_key: str
    settings: Any
    enabled: bool
    disabled_reason: str
    is_recycled: bool
    version: int
    secrets: frozenset[Pointer]
    made_by: MadeBy

    def shown_settings(self, *, mask: Any = SECRET) -> Any:
        """Return the settings with the mask in place of each secret."""
        return masked(self.settings, secrets=self.secrets, mask=mask)


def find_task(*, uid: str) -> int:
    """Return the key of the task that has, or had, the id.

    Raises:
        TaskUnknown: none ever had it.
    """
    with connection.cursor() as cursor:
        cursor.execute(queries.FIND_TASK, {"uid": uid})
        found = cursor.fetchone()
    if found is None:
        raise TaskUnknown
    key: int = found[0]
    return key


def task_to_read(*, actor: User, uid: str) -> int:
    """Return the key of a task whose history the actor may read: who may view it may, and auditors.

    Raises:
        TaskUnknown: there never was one, or the actor may not view it.
    """
    key = find_task(uid=uid)
    if not (may_audit(actor=actor) or visible_tasks(actor=actor).filter(pk=key).exists()):
        raise TaskUnknown
    return key


def state_then(*, task_id: int, at: datetime) -> TaskState | None:
    """Return the task as it was; None if it did not exist."""
    with connection.cursor() as cursor:
        cursor.execute(queries.READ_TASK_THEN, {"task": task_id, "at": at})
        row = cursor.fetchone()
    if row is None:
        return None
    uid, name, settings, enabled, reason, is_recycled, version, project, key, *rest = row
    schemas, made_by = rest[:2], rest[2:]
    return TaskState(
        uid=uid,
        name=name,
        project_uid=project,
        type_key=key,
        settings=json.loads(settings),
        enabled=enabled,
        disabled_reason=reason,
        is_recycled=is_recycled,
        version=version,
        secrets=frozenset(
            place for schema in schemas if schema for place in compiled_schema(schema).secrets
        ),
        made_by=MadeBy._make(made_by),
    )


def compare_states(*, before: TaskState, after: TaskState) -> list[Difference]:
    """Return the places, as JSON pointers, at which the settings differ, and what they hold."""
    secrets = before.secrets | after.secrets
    places = told_places(before.settings, after.settings, secrets=secrets)
    return [
        Difference(
            place,
            value_at(before.settings, place),
            value_at(after.settings, place),
            is_secret=hides(secrets, steps_of(place)),
        )
        for place in places
    ]
