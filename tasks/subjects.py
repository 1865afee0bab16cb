"""What the audit trail says of projects, task types and tasks."""

import json
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from audit.differences import ABSENT, Difference
from audit.subjects import CHANGED, REMOVED, Entry, Subject, plain_differences, register_subject
from tasks.merge import same
from tasks.schemas import Pointer, hides, json_pointer
from tasks.type_schemas import read_schemas


_SETTINGS = "/settings"
_SCHEMA = "/schema"
# Not told: by it the places that are secret are known.
_TYPE_KEY = "type"


def task_differences(entries: Sequence[Entry]) -> list[list[Difference]]:
    """Return what changed of tasks, settings place by place; what the type calls secret is not told."""
    types = read_schemas({entry.after[_TYPE_KEY] for entry in entries})
    secrets = {key: frozenset(kind.schema.secrets) for key, kind in types.items()}
    told: list[list[Difference]] = []
    for entry, plain in zip(entries, plain_differences(entries), strict=True):
        hidden = secrets.get(entry.after[_TYPE_KEY], frozenset())
        told.append(
            [each for each in plain if each.place not in {_SETTINGS, _TYPE_KEY}]
            + list(_document(entry, _SETTINGS, hidden))
        )
    return told


def type_differences(entries: Sequence[Entry]) -> list[list[Difference]]:
    """Return what changed of task types, schemas place by place."""
    return [
        [each for each in plain if each.place != _SCHEMA] + list(_document(entry, _SCHEMA))
        for entry, plain in zip(entries, plain_differences(entries), strict=True)
    ]


def _document(entry: Entry, prefix: str, secrets: Collection[Pointer] = ()) -> Iterator[Difference]:
    before, after = entry.before[prefix], entry.after[prefix]
    if entry.kind == CHANGED and before == after:
        return
    was, became = (ABSENT if text is None else json.loads(text) for text in (before, after))
    if entry.kind == REMOVED:
        was, became = became, ABSENT
    for place, value_before, value_after in _leaves(was, became, ()):
        yield Difference(
            prefix + json_pointer(place),
            value_before,
            value_after,
            is_secret=hides(secrets, place),
        )


def _leaves(before: Any, after: Any, place: Pointer) -> Iterator[tuple[Pointer, Any, Any]]:
    """Yield what differs; of an object that is there on one side alone, what it holds."""
    sides = [side for side in (before, after) if side is not ABSENT]
    if any(sides) and all(isinstance(side, dict) for side in sides):
        for key in sorted({key for side in sides for key in side}):
            yield from _leaves(_inside(before, key), _inside(after, key), (*place, key))
    elif not same(before, after):
        yield place, before, after


def _inside(document: Any, key: str) -> Any:
    return ABSENT if document is ABSENT else document.get(key, ABSENT)


TASK = Subject(
    name="task",
    history="tasks_historicaltask",
    joins="LEFT JOIN tasks_project AS project ON project.id = entry.project_id",
    identity="entry.uid",
    label="entry.name",
    project="project.uid",
    task="entry.uid",
    task_column="id",
    values={
        "/name": "{row}.name",
        "/enabled": "{row}.enabled",
        "/disabled_reason": "{row}.disabled_reason",
        "/recycled_at": "{row}.recycled_at",
        "/settings": "{row}.settings::text",
        "type": "{row}.task_type_id",
    },
    differences=task_differences,
)
TASK_TYPE = Subject(
    name="task_type",
    history="tasks_historicaltasktype",
    identity="entry.key",
    label="entry.name",
    values={
        "/name": "{row}.name",
        "/description": "{row}.description",
        "/schema": "{row}.schema::text",
    },
    differences=type_differences,
)
PROJECT = Subject(
    name="project",
    history="tasks_historicalproject",
    identity="entry.uid",
    label="entry.name",
    project="entry.uid",
    values={"/name": "{row}.name", "/description": "{row}.description"},
)

for subject in (TASK, TASK_TYPE, PROJECT):
    register_subject(subject)
