"""What stands at a place of settings, told by the keys that lead to it."""

from typing import Any

from tasks.schemas import Pointer


def setting_at(settings: Any, place: Pointer) -> Any:
    """Return what stands at the place; None if nothing does."""
    for step in place:
        if not isinstance(settings, dict):
            return None
        settings = settings.get(step)
    return settings


def with_value(settings: Any, place: Pointer, value: Any) -> dict[str, Any]:
    """Return the settings with the value at the place, in objects that are made where there is none."""
    step, *rest = place
    held = settings if isinstance(settings, dict) else {}
    inner = with_value(held.get(step), tuple(rest), value) if rest else value
    return {**held, step: inner}
