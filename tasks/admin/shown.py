"""How the admin shows settings: as their type's schema says, and never a secret."""

import json
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from audit.admin.described import Difference, as_text
from audit.differences import steps_of
from audit.masking import MASK, masked
from tasks.changes import told_places
from tasks.models import Task, TaskType
from tasks.schemas import CompiledSchema, Pointer, compiled_schema
from tasks.setting_places import setting_at


def schema_of(task_type: TaskType) -> CompiledSchema:
    """Return the compiled schema of a task type."""
    return compiled_schema(json.dumps(task_type.schema))


def shown_settings(task: Task) -> Any:
    """Return a task's settings without its secrets."""
    return masked(task.settings, secrets=schema_of(task.task_type).secrets)


def settings_differences(older: Any, newer: Any) -> Iterator[Difference]:
    """Yield, place by place, how the settings of two rows of a task's history differ."""
    secrets = schema_of(newer.task_type).secrets
    yield from differences(
        before=older.settings,
        after=newer.settings,
        places=told_places(older.settings, newer.settings, secrets=secrets),
        secrets=secrets,
    )


def differences(
    *, before: Any, after: Any, places: Sequence[str], secrets: Collection[Pointer]
) -> Iterator[Difference]:
    """Yield what stands at each changed place, a JSON pointer, before and after."""
    before, after = (masked(document, secrets=secrets) for document in (before, after))
    for place in places:
        old, new = (setting_at(side, steps_of(place)) for side in (before, after))
        if old == new and new is not MASK:
            continue
        shown = "a new secret" if old is not None and new is MASK else as_text(new)
        yield Difference(place or "all settings", as_text(old), shown)
