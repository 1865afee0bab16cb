"""What the chosen tasks have now, in words: one value, or how many different ones."""

from typing import Any

from audit.admin.described import as_text
from tasks.present_settings import Present, PresentValue
from tasks.shared_properties import Kind, SharedProperty


# A value is told as far as this.
_LONGEST = 80


def present_in_words(shared: SharedProperty, present: Present, *, tasks: int) -> str:
    """Return what stands at the property's place over so many tasks."""
    if shared.kind in {Kind.SECRET, Kind.GROUP}:
        return _how_many(present.set_on, tasks)
    if present.is_uniform:
        text = _value_in_words(present.told[0])
        if not present.told[0].is_set and shared.default is not None:
            text += f", so {as_text(shared.default)}"
        return text
    told = [f"{_value_in_words(each)} ({each.tasks:,})" for each in present.told]
    if more := present.different - len(told):
        told.append(f"{more:,} more")
    return f"{present.different:,} different values: {', '.join(told)}" if told else ""


def _how_many(set_on: int, tasks: int) -> str:
    if not set_on:
        return "not set"
    return "set" if set_on == tasks else f"set on {set_on:,} of {tasks:,}"


def _value_in_words(present: PresentValue) -> str:
    value: Any = present.value
    if not present.is_set:
        return "not set"
    if value in ("", [], {}):
        return "empty"
    text = as_text(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
