"""The task types that come with the application: JSON files, and how they reach the database.

A file holds a type's key, name, description and schema. What several schemas share is in
`parts.json` and put in where a file says `{"$ref": "parts.json#/…"}`, because a secret must stand
in the schema itself.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from django.contrib.auth.models import User

from audit.context import Origin
from audit.recorder import administrative_operation
from tasks.models import TaskType


FOLDER = Path(__file__).with_name("task_types")
PARTS = "parts.json"

# The database does not keep the order of an object's keys; forms show properties in this order.
ORDER_KEYWORD = "x-order"


class BuiltInType(NamedTuple):
    """One file: what the task type of this key shall be."""

    key: str
    name: str
    description: str
    schema: dict[str, Any]


class Loaded(NamedTuple):
    """The keys of the types that were added, of those that were changed, and of all others."""

    added: list[str]
    changed: list[str]
    unchanged: list[str]


def builtin_types() -> list[BuiltInType]:
    """Return the types in the files, each schema complete, sorted by key."""
    parts = json.loads((FOLDER / PARTS).read_text())
    files = sorted(path for path in FOLDER.glob("*.json") if path.name != PARTS)
    return [_composed(json.loads(path.read_text()), parts=parts) for path in files]


def load_builtin_types(*, actor: User, origin: Origin) -> Loaded:
    """Add the types that are missing and change those that differ from their file.

    There is one operation for all of them, and none if nothing differs.

    Raises:
        django.core.exceptions.ValidationError: another type has the name of a built-in one.
    """
    present = {task_type.key: task_type for task_type in TaskType.objects.all()}
    wanted = builtin_types()
    different = [built_in for built_in in wanted if not _same(present.get(built_in.key), built_in)]
    if different:
        with administrative_operation(actor=actor, kind="load_task_types", origin=origin):
            for built_in in different:
                _save(present.get(built_in.key) or TaskType(key=built_in.key), built_in)
    keys = {built_in.key for built_in in different}
    return Loaded(
        added=sorted(keys - present.keys()),
        changed=sorted(keys & present.keys()),
        unchanged=sorted({built_in.key for built_in in wanted} - keys),
    )


def _same(task_type: TaskType | None, built_in: BuiltInType) -> bool:
    if task_type is None:
        return False
    stored = (task_type.key, task_type.name, task_type.description, task_type.schema)
    return stored == built_in


def _save(task_type: TaskType, built_in: BuiltInType) -> None:
    task_type.name = built_in.name
    task_type.description = built_in.description
    task_type.schema = built_in.schema
    task_type.full_clean()
    task_type.save()


def _composed(content: Mapping[str, Any], *, parts: Mapping[str, Any]) -> BuiltInType:
    return BuiltInType(
        key=content["key"],
        name=content["name"],
        description=content["description"],
        schema=_complete(content["schema"], parts),
    )


def _complete(schema: Any, parts: Mapping[str, Any]) -> Any:
    """Return the schema with the parts it refers to, and with the order of its properties."""
    if isinstance(schema, list):
        return [_complete(item, parts) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if str(schema.get("$ref", "")).startswith(PARTS):
        own = {name: value for name, value in schema.items() if name != "$ref"}
        return _complete({**_part(schema["$ref"], parts), **own}, parts)
    complete = {
        name: value if name in {"examples", "default"} else _complete(value, parts)
        for name, value in schema.items()
    }
    if isinstance(properties := schema.get("properties"), dict):
        complete[ORDER_KEYWORD] = list(properties)
    return complete


def _part(reference: str, parts: Mapping[str, Any]) -> Mapping[str, Any]:
    part: Any = parts
    for step in reference.removeprefix(f"{PARTS}#/").split("/"):
        part = part[step]
    return dict(part)
