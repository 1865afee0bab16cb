"""What another schema would mean for the tasks that a task type has already."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tasks.models import Task, TaskType
from tasks.schemas import compiled_schema
from tasks.secrets import keyed_digest


_CHUNK = 5_000


class Impact(NamedTuple):
    """How many tasks were looked at, and which would no longer satisfy the schema.

    `broken_before` satisfy neither the present schema nor the other. The fingerprint is that of the
    type's version, the schema and the tasks that it breaks.
    """

    tasks: int
    broken: Sequence[int]
    broken_before: int
    fingerprint: str


class BrokenTask(NamedTuple):
    """A task whose settings would no longer satisfy the schema, and why."""

    key: int
    uid: str
    name: str
    project: str
    problems: Sequence[str]


def read_impact(*, task_type: TaskType, schema: Mapping[str, Any]) -> Impact:
    """Hold the settings of all the type's tasks outside the recycle bin against the schema."""
    present, other = (compiled_schema(json.dumps(each)) for each in (task_type.schema, schema))
    rows = Task.objects.filter(task_type=task_type, recycled_at=None).order_by("pk")
    tasks = broken_before = 0
    broken: list[int] = []
    for key, settings in rows.values_list("pk", "settings").iterator(chunk_size=_CHUNK):
        tasks += 1
        if not other.validator.is_valid(settings):
            if present.validator.is_valid(settings):
                broken.append(key)
            else:
                broken_before += 1
    seen = [task_type.pk, task_type.version, schema, broken]
    fingerprint = keyed_digest(purpose="schema", content=json.dumps(seen, sort_keys=True).encode())
    return Impact(tasks, broken, broken_before, fingerprint)


def broken_tasks(*, keys: Sequence[int], schema: Mapping[str, Any]) -> list[BrokenTask]:
    """Return the tasks with what the schema has against their settings, in one query."""
    compiled = compiled_schema(json.dumps(schema))
    tasks = Task.objects.filter(pk__in=keys).select_related("project").order_by("pk")
    return [
        BrokenTask(
            task.pk,
            task.uid,
            task.name,
            task.project.name,
            [
                f"{pointer or '/'}: {message}"
                for pointer, _, message in compiled.problems(task.settings)
            ],
        )
        for task in tasks
    ]
