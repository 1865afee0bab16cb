"""Which changes a filter leaves of those that an operation made.

The database leaves out what cannot fit, by conditions on rows of each subject; what is left is then
asked place by place.
"""

from collections.abc import Callable
from typing import Any, LiteralString, NamedTuple

from psycopg import sql

from audit.differences import Difference, steps_of, value_at
from audit.trail.reader import Filter, Reader
from audit.trail.subjects import Change, Subject


class Condition(NamedTuple):
    """A condition on rows of a subject, and what its placeholders stand for."""

    text: sql.Composable
    arguments: list[Any]

    def __and__(self, other: "Condition") -> "Condition":
        return Condition(self.text + sql.SQL(" ") + other.text, [*self.arguments, *other.arguments])


ANY_ROW = Condition(sql.SQL(""), [])


def condition_on(subject: Subject, wanted: Filter) -> Condition | None:
    """Return the condition on rows that may fit; None if no row of the subject can."""
    together = ANY_ROW
    for asked, condition in (
        (wanted.task_id is not None, _of_task),
        (bool(wanted.project), _of_project),
        (wanted.role is not None or bool(wanted.flag), _of_role),
        (bool(wanted.settings_key), _of_settings),
    ):
        if asked:
            found = condition(subject, wanted)
            if found is None:
                return None
            together &= found
    return together


def seen_condition(reader: Reader, subject: Subject) -> Condition | None:
    """Return the condition on rows that the reader sees and that may fit; None if no row can."""
    condition = condition_on(subject, reader.wanted)
    if condition is None or reader.sees_all or not subject.task_column:
        return condition
    views, arguments = reader.views(f"entry.{subject.task_column}")
    return condition & Condition(sql.SQL("AND {}").format(views), list(arguments))


def _of_task(subject: Subject, wanted: Filter) -> Condition | None:
    if not subject.task_column:
        return None
    column = sql.Identifier(subject.task_column)
    return Condition(sql.SQL("AND entry.{} = %s").format(column), [wanted.task_id])


def _of_project(subject: Subject, wanted: Filter) -> Condition | None:
    return _equal(subject.project, wanted.project)


def _of_role(subject: Subject, wanted: Filter) -> Condition | None:
    """Return the condition on rows that are about the role, or may give or take flags of it."""
    is_role = None if wanted.role is None else _equal(subject.role, wanted.role)
    if subject.flags:
        may_differ = Condition(sql.SQL("AND ({})").format(sql.SQL(subject.flags)), [])
        return may_differ if is_role is None else may_differ & is_role
    return None if wanted.flag else is_role


def _of_settings(subject: Subject, wanted: Filter) -> Condition | None:
    """Return the condition on rows in which the part of settings differs that the place is in."""
    if not subject.settings:
        return None
    first, *_ = steps_of(wanted.settings_key)
    column = sql.Identifier(subject.settings)
    differs = "AND (entry.{0} -> %s) IS DISTINCT FROM (former.{0} -> %s)"
    return Condition(sql.SQL(differs).format(column), [first, first])


def _equal(expression: LiteralString, value: Any) -> Condition | None:
    if not expression:
        return None
    return Condition(sql.SQL("AND ({}) = %s").format(sql.SQL(expression)), [value])


def fitting(wanted: Filter) -> Callable[[Change], bool]:
    """Return what says of a change that meets the condition whether the filter leaves it."""
    asked: list[Callable[[Change, Filter], bool]] = []
    if wanted.flag or wanted.role is not None:
        asked.append(_is_of_role)
    if wanted.settings_key:
        asked.append(_is_of_settings)
    if not asked:
        return _is_any
    return lambda change: all(each(change, wanted) for each in asked)


def _is_any(_: Change) -> bool:
    return True


def _is_of_settings(change: Change, wanted: Filter) -> bool:
    place = f"/settings{wanted.settings_key}"
    return any(_touches(difference, place) for difference in change.differences)


def _is_of_role(change: Change, wanted: Filter) -> bool:
    if wanted.role is not None and not wanted.flag and change.entry.role == wanted.role:
        return True
    for difference in change.differences:
        kind, role, *flag = [*steps_of(difference.place), ""]
        if kind in {"roles", "own_roles"} and (
            wanted.role in {None, int(role)} and (not wanted.flag or wanted.flag == flag[0])
        ):
            return True
    return False


def _touches(difference: Difference, place: str) -> bool:
    """Return whether the difference is at the place, below it, or above it and about it."""
    if f"{difference.place}/".startswith(f"{place}/"):
        return True
    if not place.startswith(f"{difference.place}/"):
        return False
    rest = place.removeprefix(difference.place)
    sides = (difference.before, difference.after)
    if any(_is_in_list(side, rest) for side in sides):
        return True  # A list changes as a whole, and so does all that is in it.
    before, after = (value_at(side, rest) for side in sides)
    return bool(before != after)


def _is_in_list(document: Any, place: str) -> bool:
    """Return whether the way to the place leads into a list."""
    for step in steps_of(place):
        if isinstance(document, list):
            return True
        document = document.get(step) if isinstance(document, dict) else None
    return False
