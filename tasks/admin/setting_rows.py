"""A task's settings as a page shows them: named, grouped and ordered as its type's schema says.

What the schema does not name comes last, under its own name. Nothing here sees a secret: the settings
are masked before.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from audit.admin.described import as_text
from audit.masking import Masked
from tasks.admin.shown import shown_settings
from tasks.models import Task
from tasks.schemas import Pointer, json_pointer
from tasks.shared_properties import NamedSchema, SharedProperty, shared_properties


class SettingRow(NamedTuple):
    """One line: a setting with its value or, where `is_group`, the name of those that follow.

    `place` is what a merge patch and the API call it. `is_default`: not set, and the schema says what
    holds then.
    """

    depth: int
    title: str
    place: str
    about: str = ""
    value: str = ""
    is_group: bool = False
    is_secret: bool = False
    is_default: bool = False


class ShownSettings(NamedTuple):
    """What is set, and the titles of what could be."""

    rows: Sequence[SettingRow]
    not_set: Sequence[str]


class _Placed(NamedTuple):
    """A property of the schema, and the titles of the groups that it is in."""

    shared: SharedProperty
    within: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.shared.place[-1]

    @property
    def path(self) -> str:
        return ": ".join((*self.within, self.shared.title))


def rows_of_settings(*, task: Task) -> ShownSettings:
    """Return the task's settings for a page."""
    types = [NamedSchema(task.task_type.name, task.task_type.schema)]
    not_set: list[str] = []
    properties = [_Placed(each, ()) for each in shared_properties(types).properties]
    rows = list(_rows(properties, shown_settings(task), (), not_set))
    return ShownSettings(rows, not_set)


def _rows(
    properties: Sequence[_Placed], settings: Any, place: Pointer, not_set: list[str]
) -> Iterator[SettingRow]:
    for each in properties:
        name = each.name
        if name in settings:
            yield from _set(each, settings[name], not_set)
        elif each.shared.default is not None:
            yield _row(each, value=as_text(each.shared.default), is_default=True)
        else:
            not_set.append(each.path)
    known = {each.name for each in properties}
    for name, value in settings.items():
        if name not in known:
            yield from _unnamed(name, value, (*place, name))


def _set(each: _Placed, value: Any, not_set: list[str]) -> Iterator[SettingRow]:
    place = each.shared.place
    if isinstance(value, dict) and value:
        yield _row(each, is_group=True)
        within = (*each.within, each.shared.title)
        inside = [_Placed(inner, within) for inner in each.shared.inside]
        yield from _rows(inside, value, place, not_set)
    else:
        yield _row(each, value=as_text(value), is_secret=isinstance(value, Masked))


def _row(each: _Placed, **shown: Any) -> SettingRow:
    place, about = each.shared.place, each.shared.description
    return SettingRow(len(place) - 1, each.shared.title, json_pointer(place), about, **shown)


def _unnamed(name: str, value: Any, place: Pointer) -> Iterator[SettingRow]:
    depth, pointer = len(place) - 1, json_pointer(place)
    if isinstance(value, Mapping) and value:
        yield SettingRow(depth, name, pointer, is_group=True)
        for inner, inside in value.items():
            yield from _unnamed(inner, inside, (*place, inner))
    else:
        is_secret = isinstance(value, Masked)
        yield SettingRow(depth, name, pointer, value=as_text(value), is_secret=is_secret)
