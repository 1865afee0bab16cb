"""The JSON that `GET /v1/job/list` of CodeArts Build answers: one page, or many one after the other."""

import codecs
from collections.abc import Iterator
from typing import Any, BinaryIO

import ijson

from tasks.importing.lines import problem_of_text
from tasks.importing.records import FileUnreadable, Record, Source, unreadable_record


_PORTION = 64 * 1024

# Where in a page stands what is needed; all else is passed over.
_ROW = "result.job_list.item"
_COLUMNS = {
    f"{_ROW}.{name}": name
    for name in (
        "id",
        "job_name",
        "project_id",
        "project_name",
        "disabled",
        "forbidden_msg",
        "scm_web_url",
        "code_branch",
        "user_name",
    )
}
_TOTAL = "result.total"
_STATUS = "status"
_FAULT = "error_code"
_NEEDED = {*_COLUMNS, _ROW, _TOTAL, _STATUS, _FAULT}
_OPENING = {"start_map", "start_array"}
_INSIDE = {"map_key", "end_array"}


def read_codearts(source: Source) -> Iterator[Record]:
    """Yield a record per row of all pages, counted from 1.

    Raises:
        FileUnreadable: the file is no JSON, a page is an error, or no type was given for the tasks.
    """
    if "type" not in source.given:
        raise FileUnreadable("rows of CodeArts name no task type: give --type")
    count = total = 0
    try:
        for kind, value in _parts(source.file):
            if kind == _ROW:
                count += 1
                yield _record(f"record {count}", value)
            elif isinstance(value, int):
                total = max(total, value)
    except (ijson.JSONError, UnicodeDecodeError) as error:
        raise FileUnreadable(f"after record {count}: {_first_line(error)}") from error
    except _PageIsAnError as error:
        raise FileUnreadable(
            f"after record {count}: a page says {error}, so its tasks are not in the file"
        ) from error
    if not count:
        raise FileUnreadable("the file has no result.job_list with tasks in it")
    if count < total:
        source.note(
            f"the file holds {count} of the {total} tasks that CodeArts counted: is a page missing?"
        )


class _PageIsAnError(Exception):
    """A page holds no tasks but what went wrong."""


def _parts(file: BinaryIO) -> Iterator[tuple[str, Any]]:
    """Yield each row, of its columns those that matter, and each page's total.

    Raises:
        _PageIsAnError: saying how.
    """
    row: dict[str, Any] = {}
    events = ijson.parse(ijson.from_iter(_portions(file)), multiple_values=True, use_float=True)
    for prefix, event, value in events:
        if prefix not in _NEEDED or event in _INSIDE:
            continue
        if prefix == _ROW:
            if event == "start_map":
                row = {}
            else:
                yield _ROW, row if event == "end_map" else None
        elif column := _COLUMNS.get(prefix):
            if event != "end_map":
                row[column] = [] if event in _OPENING else value
        elif prefix == _FAULT or (prefix == _STATUS and value != "success"):
            raise _PageIsAnError(f"{prefix} {value!r}")
        elif prefix == _TOTAL:
            yield _TOTAL, value


def _portions(file: BinaryIO) -> Iterator[bytes]:
    first = file.read(_PORTION).removeprefix(codecs.BOM_UTF8)
    if not first.strip():
        raise FileUnreadable("the file is empty")
    yield first
    while portion := file.read(_PORTION):
        yield portion


def _record(place: str, row: Any) -> Record:
    if not isinstance(row, dict):
        return unreadable_record(place, "is no JSON object")
    for name, value in row.items():
        if isinstance(value, str) and (problem := problem_of_text(value)):
            return unreadable_record(place, f"{name}: {problem}")
    repository = {"url": row.get("scm_web_url"), "branch": row.get("code_branch")}
    present = {name: value for name, value in repository.items() if value}
    disabled = bool(row.get("disabled"))
    fields = {
        "uid": row.get("id"),
        "name": row.get("job_name"),
        "project": row.get("project_id") or row.get("project_name"),
        "settings": {"repository": present} if "url" in present else {},
        "enabled": not disabled,
        "disabled_reason": row.get("forbidden_msg") if disabled else None,
        "creator": row.get("user_name"),
    }
    return Record(place, {name: value for name, value in fields.items() if value is not None}, {})


def _first_line(error: Exception) -> str:
    """Return what is wrong without the excerpt from the file that follows it."""
    if isinstance(error, UnicodeError):
        return "the JSON holds half of a surrogate pair, which is no character"
    text = error.args[0] if error.args else ""
    text = text.decode(errors="replace") if isinstance(text, bytes) else str(text)
    return f"the JSON cannot be read: {text.partition(chr(10))[0]}"
