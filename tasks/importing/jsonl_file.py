"""JSON Lines: one object per line, its keys the fields of a task."""

from collections.abc import Iterator
from typing import Any

from tasks.batch.errors import Malformed
from tasks.importing.lines import problem_of_text, text_lines
from tasks.importing.records import (
    ALIASES,
    FIELDS,
    TOLD_ONLY,
    Record,
    Source,
    problems_of,
    unreadable_record,
)
from tasks.strict_json import parse_value


def read_jsonl(source: Source) -> Iterator[Record]:
    """Yield a record per line that is not blank.

    Raises:
        FileUnreadable: the file is empty, in another encoding, or has a line beyond all measure.
    """
    for number, line in enumerate(text_lines(source.file), start=1):
        if text := line.strip():
            yield _record(f"line {number}", text)


def _record(place: str, text: str) -> Record:
    if problem := problem_of_text(text):
        return unreadable_record(place, problem)
    try:
        value = parse_value(text.encode())
    except Malformed as error:
        return unreadable_record(place, *problems_of(error))
    return record_of_object(place, value)


def record_of_object(place: str, value: Any) -> Record:
    """Return the record that a JSON value is, if it is an object with the fields of a task."""
    if not isinstance(value, dict):
        return unreadable_record(place, "is no JSON object")
    fields: dict[str, Any] = {}
    problems = []
    for key, item in value.items():
        name = ALIASES.get(key, key)
        if name in TOLD_ONLY:
            continue
        if name not in FIELDS:
            problems.append(f"{key!r} is unknown; known are {', '.join(FIELDS)}")
        elif name in fields:
            problems.append(f"{name}: is given twice, also as {key!r}")
        elif item is not None:
            fields[name] = item
    return Record(place, fields, cells={}, problems=problems)
