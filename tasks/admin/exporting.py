"""Chosen tasks as files: what the actor may view of them, in the columns that an import reads.

Secrets are not in them; where one is set, the file says so.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

from django.contrib.auth.models import User
from django.db.models import QuerySet

from audit.spreadsheet import csv_text
from tasks.admin.shown import shown_settings
from tasks.arrays import EqualsAny
from tasks.models import Draft, Task
from tasks.visibility import visible_tasks


_COLUMNS = (
    *("uid", "name", "project", "type", "enabled", "disabled_reason", "creator"),
    *("created_at", "updated_at", "version", "settings"),
)
# So many tasks are read in one go.
_CHUNK = 500


class FileKind(NamedTuple):
    """A kind of file: its media type, and how chunks of tasks are written."""

    media_type: str
    write: Callable[[Iterator[list[dict[str, Any]]]], Iterator[str]]


def exported_tasks(*, actor: User, draft: Draft) -> QuerySet[Task]:
    """Return the chosen tasks that the actor may view."""
    return visible_tasks(actor=actor).filter(EqualsAny("uid", draft.uids))


def export(*, actor: User, draft: Draft, kind: FileKind) -> Iterator[str]:
    """Yield the file, piece by piece."""
    return kind.write(_chunks(exported_tasks(actor=actor, draft=draft)))


def _chunks(tasks: QuerySet[Task]) -> Iterator[list[dict[str, Any]]]:
    read = tasks.select_related("project", "task_type", "created_by").order_by("pk")
    rows = read.iterator(chunk_size=_CHUNK)
    while chunk := list(islice(rows, _CHUNK)):
        yield list(map(_values, chunk))


def _values(task: Task) -> dict[str, Any]:
    return {
        "uid": task.uid,
        "name": task.name,
        "project": task.project.name,
        "type": task.task_type.key,
        "enabled": task.enabled,
        "disabled_reason": task.disabled_reason,
        "creator": task.created_by.get_username(),
        "created_at": task.created_at.isoformat(),
        "updated_at": task.updated_at.isoformat(),
        "version": task.version,
        "settings": shown_settings(task),
    }


def _as_csv(chunks: Iterator[list[dict[str, Any]]]) -> Iterator[str]:
    yield csv_text([_COLUMNS])
    for chunk in chunks:
        yield csv_text([_cell(row[name]) for name in _COLUMNS] for row in chunk)


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else value


def _as_json(chunks: Iterator[list[dict[str, Any]]]) -> Iterator[str]:
    before = "[\n"
    for chunk in chunks:
        for row in chunk:
            yield before + json.dumps(row, ensure_ascii=False)
            before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"


FILE_KINDS: Mapping[str, FileKind] = {
    "csv": FileKind("text/csv; charset=utf-8", _as_csv),
    "json": FileKind("application/json", _as_json),
}
