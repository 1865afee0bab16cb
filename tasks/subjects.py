"""What the audit trail says of projects, task types and tasks."""

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

import msgspec
from django.db import connection

from audit.differences import ABSENT, Difference
from audit.subjects import (
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
_read_parts = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_SIMPLE = frozenset({str, bool, int, float, type(None)})
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
    texts = entry.before[name], entry.after[name]
    if entry.kind == REMOVED:
        texts = texts[::-1]
    was, became = _differing(*texts)
    _compare(was, became, f"/{name}", secrets, found)
    return found


def _differing(before: str | None, after: str | None) -> tuple[Any, Any]:
    """Return what is on both sides, without the parts of objects that are written alike."""
    if before is None or after is None or not before[0] == after[0] == "{":
        was, became = (ABSENT if text is None else read_json(text) for text in (before, after))
        return was, became
    one, other = _read_parts(before), _read_parts(after)
    keys = [key for key in one.keys() | other.keys() if one.get(key) != other.get(key)]
    was, became = (
        {key: read_json(parts[key]) for key in keys if key in parts} for parts in (one, other)
    )
    return was, became


def _compare(
    before: Any, after: Any, place: str, secrets: Secrets, found: list[Difference]
) -> None:
    """Add what differs; of an object that is there on one side alone, what it holds.

    A place is secret that a schema calls so, that holds such a place, or that is inside of one.
    """
    was = before if type(before) is dict else _NOTHING if before is ABSENT else None
    became = after if type(after) is dict else _NOTHING if after is ABSENT else None
    if was is None or became is None or not (was or became):
        if not same(before, after):
            found.append(Difference(place, before, after, bool(secrets)))
        return
    for key in sorted(_perhaps_differing(was, became)):
        one, other = was.get(key, ABSENT), became.get(key, ABSENT)
        inside = secrets if secrets is ALL_SECRET else secrets.get(key, _NOTHING)
        _compare(one, other, f"{place}/{_step(key)}", inside, found)


def _perhaps_differing(was: Mapping[str, Any], became: Mapping[str, Any]) -> Iterator[str]:
    """Yield the keys of which is not seen at once that both hold the same text, flag or number."""
    for key, one in was.items():
        other = became.get(key, ABSENT)
        kind = type(one)
        if kind is not type(other) or kind not in _SIMPLE or one != other:
            yield key
    for key in became:
        if key not in was:
            yield key


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
