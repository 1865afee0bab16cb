"""What stands at a place of a JSON document, told by the keys that lead to it."""

from typing import Any

from tasks.schemas import Pointer


def value_at(document: Any, place: Pointer) -> Any:
    """Return what stands at the place; None if nothing does."""
    for step in place:
        if not isinstance(document, dict):
            return None
        document = document.get(step)
    return document


def with_value(document: Any, place: Pointer, value: Any) -> dict[str, Any]:
    """Return the document with the value at the place, in objects that are made where there is none."""
    step, *rest = place
    held = document if isinstance(document, dict) else {}
    inner = with_value(held.get(step), tuple(rest), value) if rest else value
    return {**held, step: inner}
