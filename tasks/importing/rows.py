"""What a record says by itself: its values, each of the right kind and form, or what is wrong."""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from tasks.importing.records import REQUIRED, UNUSABLE, Record
from tasks.models import UID_PATTERN, Task
from tasks.schemas import Pointer


NAME_LENGTH = Task._meta.get_field("name").max_length or 0

_UID = re.compile(UID_PATTERN)
_KINDS: Mapping[str, tuple[type, str]] = {
    "uid": (str, "text"),
    "name": (str, "text"),
    "project": (str, "text"),
    "type": (str, "text"),
    "settings": (dict, "an object"),
    "enabled": (bool, "true or false"),
    "disabled_reason": (str, "text"),
    "creator": (str, "text"),
}


class Row(NamedTuple):
    """A record's values; None stands for a value that is wrong, and then a problem says so.

    An empty uid asks for a fresh one.
    """

    place: str
    problems: Sequence[str]
    cells: Mapping[Pointer, str]
    uid: str | None
    name: str | None
    project: str | None
    type: str | None
    settings: dict[str, Any] | None
    enabled: bool | None
    disabled_reason: str | None
    creator: str | None


def row_of(record: Record, *, defaults: Mapping[str, Any]) -> Row:
    """Return the values of a record, and those of `defaults` for what it leaves out."""
    if not record.readable:
        return Row(record.place, record.problems, {}, **dict.fromkeys(_KINDS))
    values: dict[str, Any] = {}
    problems = list(record.problems)
    for field in _KINDS:
        value = record.fields.get(field, defaults.get(field))
        value = value.strip() if isinstance(value, str) else value
        found = [] if value is UNUSABLE else list(_problems(field, value))
        problems += found
        values[field] = None if found or value is UNUSABLE else value
    if values["uid"]:
        values["uid"] = values["uid"].lower()
    if values["enabled"] and values["disabled_reason"]:
        problems.append("disabled_reason: the task is enabled; only a disabled one has a reason")
    return Row(record.place, problems, record.cells, **values)


def _problems(field: str, value: Any) -> Iterator[str]:
    kind, name_of_kind = _KINDS[field]
    if value is None or (value == "" and field in REQUIRED):
        yield f"{field}: is missing"
    elif not isinstance(value, kind):
        yield f"{field}: must be {name_of_kind}"
    elif field == "uid" and value and not _UID.fullmatch(str(value).lower()):
        yield "uid: must be 24 or 32 hexadecimal digits"
    elif field == "name":
        yield from _name_problems(str(value))


def _name_problems(name: str) -> Iterator[str]:
    if len(name) > NAME_LENGTH:
        yield f"name: has {len(name)} characters; at most {NAME_LENGTH} are allowed"
    if not name.isprintable() and any(unicodedata.category(sign) == "Cc" for sign in name):
        yield "name: holds a line break or another control character"
