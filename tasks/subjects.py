"""What the audit trail says of projects, task types and tasks."""

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

import msgspec
from django.db import connection
from msgspec import Raw

from audit.differences import ABSENT, Difference
from audit.trail.subjects import (
    REMOVED,
    Change,
    Entry,
    Subject,
    plain_differences,
    register_subject,
)
from tasks.merge import read_json, same
from tasks.schemas import json_pointer, secret_places


# Told place by place.
_SETTINGS, _SCHEMA = "settings", "schema"
# Not told: by it the places that are secret are known.
_TYPE_KEY = "type"
# Secret places by the keys that lead there; at the end of each stands `ALL_SECRET`.
Secrets = Mapping[str, Any]
ALL_SECRET: Secrets = {"": True}
_NOTHING: Mapping[str, Any] = {}
# Reads an object as far as what stands at its keys, which stays as it is written.
_read_parts = msgspec.json.Decoder(dict[str, Raw]).decode
_BRACE = ord("{")
_SCHEMAS = "SELECT id, schema::text FROM tasks_tasktype"


def task_changes(entries: Iterable[Entry]) -> Iterator[Change]:
    """Yield what changed of tasks, settings place by place; what the type calls secret is not told."""
    # Read before the first row, which may come on the same connection.
    secrets = read_secrets()
    for entry in entries:
        hidden = secrets.get(entry.after[_TYPE_KEY], _NOTHING)
        yield Change(entry, [*plain_differences(entry), *_document(entry, _SETTINGS, hidden)])


def type_changes(entries: Iterable[Entry]) -> Iterator[Change]:
    """Yield what changed of task types, schemas place by place."""
    for entry in entries:
        yield Change(entry, [*plain_differences(entry), *_document(entry, _SCHEMA, _NOTHING)])


def read_secrets() -> dict[int, Secrets]:
    """Return the places that each task type calls secret, by its key."""
    with connection.cursor() as cursor:
        cursor.execute(_SCHEMAS)
        return {type_id: _secrets_in(text) for type_id, text in cursor.fetchall()}


@lru_cache(maxsize=512)
def _secrets_in(schema: str) -> Secrets:
    tree: dict[str, Any] = {}
    for (*above, last), _ in secret_places(json.loads(schema)):
        inside = tree
        for key in above:
            inside = inside.setdefault(key, {})
        inside[last] = ALL_SECRET
    return tree


def _document(entry: Entry, name: str, secrets: Secrets) -> list[Difference]:
    found: list[Difference] = []
    before, after = (
        None if text is None else Raw(text) for text in (entry.before[name], entry.after[name])
    )
    if entry.kind == REMOVED:
        before, after = after, before
    _compare(before, after, f"/{name}", secrets, found)
    return found


def _compare(
    before: Raw | None, after: Raw | None, place: str, secrets: Secrets, found: list[Difference]
) -> None:
    """Add what differs; of an object that is there on one side alone, what it holds.

    What both sides write alike is not read. A place is secret that a schema calls so, that holds such a
    place, or that is inside of one.
    """
    was, became = _parts_of(before), _parts_of(after)
    if was is None or became is None or not (was or became):
        one = ABSENT if before is None else read_json(before)
        other = ABSENT if after is None else read_json(after)
        if not same(one, other):
            found.append(Difference(place, one, other, bool(secrets)))
        return
    keys = [key for key, part in was.items() if became.get(key) != part]
    keys += became.keys() - was.keys()
    for key in sorted(keys):
        inside = secrets if secrets is ALL_SECRET else secrets.get(key, _NOTHING)
        _compare(was.get(key), became.get(key), f"{place}/{_step(key)}", inside, found)


def _parts_of(text: Raw | None) -> Mapping[str, Raw] | None:
    """Return what an object holds, nothing where there is none, and None of anything else."""
    if text is None:
        return _NOTHING
    return _read_parts(text) if memoryview(text)[0] == _BRACE else None


@lru_cache(maxsize=4096)
def _step(key: str) -> str:
    return json_pointer((key,))[1:]


TASK = Subject(
    name="task",
    history="tasks_historicaltask",
    joins="LEFT JOIN tasks_project AS project ON project.id = entry.project_id",
    identity="entry.uid",
    label="entry.name",
    project="project.uid",
    task="entry.uid",
    task_column="id",
    settings="settings",
    values={
        "/name": "{row}.name",
        "/enabled": "{row}.enabled",
        "/disabled_reason": "{row}.disabled_reason",
        "/recycled_at": "{row}.recycled_at",
        # Neither, where both are the same.
        "settings": """CASE WHEN entry.settings IS DISTINCT FROM former.settings
            THEN {row}.settings::text END""",
        "type": "{row}.task_type_id",
    },
    changes=task_changes,
)
TASK_TYPE = Subject(
    name="task_type",
    history="tasks_historicaltasktype",
    identity="entry.key",
    label="entry.name",
    values={
        "/name": "{row}.name",
        "/description": "{row}.description",
        "schema": "{row}.schema::text",
    },
    changes=type_changes,
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
