"""Records: what every reader makes of its format, before anything is checked against the database."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, NamedTuple

from tasks.batch.errors import Malformed
from tasks.schemas import Pointer


FIELDS = (
    "uid",
    "name",
    "project",
    "type",
    "settings",
    "enabled",
    "disabled_reason",
    "creator",
)
# What a row must have, unless it was given for all rows.
REQUIRED = ("name", "project", "type")
# What exports say of a task besides; no import takes it.
TOLD_ONLY = frozenset({"created_at", "updated_at", "version"})
# Stands for a value of which the record's problems already say that it is none.
UNUSABLE = object()
# What other systems call a task's uid.
ALIASES = {"id": "uid"}


class FileUnreadable(Exception):
    """The file is not what it should be, so nothing of it can be trusted; says where and why."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file to read.

    `given` are the fields that rows may leave out because the caller gave a value for all of them;
    `note` takes what a person should know and that is no fault of a row.
    """

    file: BinaryIO
    given: frozenset[str]
    note: Callable[[str], None]


class Record(NamedTuple):
    """One task as its file has it: where, the fields by name, and what reading it met.

    `cells` are settings that came as text, each with its place; the task's type says what they mean.
    All text in a record can be stored: readers report what cannot.
    """

    place: str
    fields: Mapping[str, Any]
    cells: Mapping[Pointer, str]
    problems: Sequence[str] = ()
    readable: bool = True


def unreadable_record(place: str, *problems: str) -> Record:
    """Return a record of which nothing but its problems is known."""
    return Record(place, fields={}, cells={}, problems=problems, readable=False)


def problems_of(error: Malformed, *, field: str = "") -> list[str]:
    """Return what is wrong with the JSON of a record, or of one of its fields."""
    return [": ".join(filter(None, (_named(field, place), text))) for place, text in error.problems]


def _named(field: str, place: str) -> str:
    if place.startswith("/"):
        return (field + place).removeprefix("/")
    # Where reading ended: a record's JSON is on one line of its own.
    return field or place.removeprefix("line 1 ")
