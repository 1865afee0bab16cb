"""Tasks as files: what the actor may view of chosen ones or of a list, in columns that an import reads.

Secrets are not in them; where one is set, the file says so.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from io import BytesIO
from itertools import islice
from typing import Any, NamedTuple

import openpyxl
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpResponseBase, StreamingHttpResponse
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

from audit.masking import masked
from audit.spreadsheet import csv_text
from tasks.admin.shown import schema_of
from tasks.arrays import EqualsAny
from tasks.models import Draft, Task, TaskType
from tasks.visibility import visible_tasks


_COLUMNS = (
    *("uid", "name", "project", "type", "enabled", "disabled_reason", "creator"),
    *("created_at", "updated_at", "version", "settings"),
)
# A cell of a workbook holds no more; what is longer would be cut off unseen.
_LONGEST_CELL = 32_767
_TOO_LONG = "too long for a cell: export to JSON"
# So many tasks are read in one go.
_CHUNK = 500


Chunks = Iterator[list[dict[str, Any]]]


class FileKind(NamedTuple):
    """A kind of file: what people call it, its media type, and how chunks of tasks are written."""

    label: str
    media_type: str
    write: Callable[[Chunks], Iterator[str] | Iterator[bytes]]


def exported_tasks(*, actor: User, draft: Draft) -> QuerySet[Task]:
    """Return the chosen tasks that the actor may view."""
    return visible_tasks(actor=actor).filter(EqualsAny("uid", draft.uids))


def export(tasks: QuerySet[Task], *, kind: str) -> Iterator[str] | Iterator[bytes]:
    """Yield the file, piece by piece."""
    return FILE_KINDS[kind].write(_chunks(tasks))


def file_response(
    pieces: Iterator[str] | Iterator[bytes], *, kind: str, name: str = "tasks"
) -> HttpResponseBase:
    """Send the pieces as a file of the kind."""
    headers = {
        "Content-Disposition": f'attachment; filename="{name}.{kind}"',
        "Cache-Control": "no-store",
    }
    media_type = FILE_KINDS[kind].media_type
    return StreamingHttpResponse(pieces, content_type=media_type, headers=headers)


def _chunks(tasks: QuerySet[Task]) -> Chunks:
    # Types are few and their schemas long: read once, not with each task.
    types = {each.pk: _TypeOfTasks(each) for each in TaskType.objects.all()}
    read = tasks.select_related(None).select_related("project", "created_by").order_by("pk")
    rows = read.iterator(chunk_size=_CHUNK)
    while chunk := list(islice(rows, _CHUNK)):
        yield [_values(task, types[task.task_type_id]) for task in chunk]


class _TypeOfTasks:
    """What is told of tasks of a type, and where their secrets stand."""

    def __init__(self, task_type: TaskType) -> None:
        self.key, self.secrets = task_type.key, schema_of(task_type).secrets


def _values(task: Task, task_type: _TypeOfTasks) -> dict[str, Any]:
    return {
        "uid": task.uid,
        "name": task.name,
        "project": task.project.name,
        "type": task_type.key,
        "enabled": task.enabled,
        "disabled_reason": task.disabled_reason,
        "creator": task.created_by.get_username(),
        "created_at": task.created_at.isoformat(),
        "updated_at": task.updated_at.isoformat(),
        "version": task.version,
        "settings": masked(task.settings, secrets=task_type.secrets),
    }


def _as_csv(chunks: Chunks) -> Iterator[str]:
    yield csv_text([_COLUMNS])
    for chunk in chunks:
        yield csv_text([_cell(row[name]) for name in _COLUMNS] for row in chunk)


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else value


def _as_json(chunks: Chunks) -> Iterator[str]:
    before = "[\n"
    for chunk in chunks:
        for row in chunk:
            yield before + json.dumps(row, ensure_ascii=False)
            before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"


def _as_xlsx(chunks: Chunks) -> Iterator[bytes]:
    """Yield a workbook whole: its parts refer to each other."""
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Tasks")
    sheet.append(list(_COLUMNS))
    for chunk in chunks:
        for row in chunk:
            sheet.append([_cell_of_sheet(sheet, row[name]) for name in _COLUMNS])
    written = BytesIO()
    book.save(written)
    yield written.getvalue()


def _cell_of_sheet(sheet: Any, value: Any) -> Any:
    """Return a cell that is text, whatever it begins with; a spreadsheet would run a formula."""
    text = _cell(value)
    if not isinstance(text, str):
        return text
    text = ILLEGAL_CHARACTERS_RE.sub("\N{REPLACEMENT CHARACTER}", text)
    if len(text) > _LONGEST_CELL:
        return _TOO_LONG
    if not text.startswith(("=", "#")):
        return text
    cell = WriteOnlyCell(sheet, text)
    cell.data_type = "s"
    return cell


FILE_KINDS: Mapping[str, FileKind] = {
    "csv": FileKind("CSV", "text/csv; charset=utf-8", _as_csv),
    "xlsx": FileKind(
        "Excel", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", _as_xlsx
    ),
    "json": FileKind("JSON", "application/json", _as_json),
}
