"""Records: what every reader makes of its format, before anything is checked against the database."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, NamedTuple

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
    """

    place: str
    fields: Mapping[str, Any]
    cells: Mapping[Pointer, str]
    problems: Sequence[str] = ()
    readable: bool = True


def unreadable_record(place: str, problem: str) -> Record:
    """Return a record of which nothing but its problem is known."""
    return Record(place, fields={}, cells={}, problems=[problem], readable=False)
