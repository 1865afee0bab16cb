"""What the settings of many tasks hold now: per place the most frequent values, and how many there are."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from django.db import connection

from audit.masking import masked
from tasks import queries
from tasks.schemas import Pointer
from tasks.shared_properties import Kind, NamedSchema, SharedProperty


# So many values of a place are told.
_TOLD = 4
_NOT_SHOWN = frozenset({Kind.SECRET, Kind.GROUP})


class PresentValue(NamedTuple):
    """A value that some tasks have, masked, and their number; `is_set` is False where there is none."""

    value: Any
    is_set: bool
    tasks: int


class Present(NamedTuple):
    """What stands at a place over all targets: the most frequent values, and how many different ones."""

    told: Sequence[PresentValue]
    different: int

    @property
    def is_uniform(self) -> bool:
        """Whether all targets have the same there, or all have nothing."""
        return self.different == 1

    @property
    def set_on(self) -> int:
        """How many targets have anything there, if that is all that is asked."""
        return sum(each.tasks for each in self.told if each.is_set)


class TypeNamed(NamedTuple):
    """A task type by its key, its name and its schema as JSON text."""

    id: int
    name: str
    text: str

    @property
    def named_schema(self) -> NamedSchema:
        """The name and the schema, read."""
        return NamedSchema(self.name, json.loads(self.text))


def read_types(*, type_ids: Sequence[int]) -> list[TypeNamed]:
    """Return the task types by name, in one statement."""
    with connection.cursor() as cursor:
        cursor.execute(queries.READ_NAMED_SCHEMAS, {"ids": list(type_ids)})
        return list(map(TypeNamed._make, cursor.fetchall()))


def read_present(
    *, task_ids: Sequence[int], properties: Sequence[SharedProperty]
) -> dict[Pointer, Present]:
    """Return what stands at the place of each property, in one statement.

    Of groups and secrets it says only whether they are there.
    """
    arguments: dict[str, Any] = {
        "ids": list(task_ids),
        "roots": [each.place[0] for each in properties],
        "rests": [json.dumps(each.place[1:]) for each in properties],
        "shown": [each.kind not in _NOT_SHOWN for each in properties],
        "most": _TOLD,
    }
    told: dict[int, list[PresentValue]] = {}
    different: dict[int, int] = {}
    with connection.cursor() as cursor:
        cursor.execute(queries.READ_PRESENT_VALUES, arguments)
        for number, text, tasks, count in cursor.fetchall():
            value = None if text is None else masked(json.loads(text))
            told.setdefault(number, []).append(PresentValue(value, text is not None, tasks))
            different[number] = count
    return {
        each.place: Present(told.get(number, []), different.get(number, 0))
        for number, each in enumerate(properties)
    }
