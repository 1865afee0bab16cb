"""At which places two documents differ: those that a change names, and those that pages tell of."""

from collections.abc import Collection, Iterator
from typing import Any

from tasks.merge import same
from tasks.schemas import Pointer, json_pointer
from tasks.setting_places import setting_at


def changed_places(before: Any, after: Any) -> list[str]:
    """Return the places, as JSON pointers, at which two documents differ."""
    return [json_pointer(place) for place in _differences(before, after, ())]


def told_places(before: Any, after: Any, *, secrets: Collection[Pointer]) -> list[str]:
    """Return the places at which two documents differ, and inside of objects that came or went.

    Not so inside of secret ones: nothing is told of their places.
    """
    places = (
        inside
        for place in _differences(before, after, ())
        for inside in _inside(setting_at(before, place), setting_at(after, place), place, secrets)
    )
    return [json_pointer(place) for place in places]


def _inside(
    before: Any, after: Any, place: Pointer, secrets: Collection[Pointer]
) -> Iterator[Pointer]:
    came = before if after is None else after if before is None else None
    if not (came and isinstance(came, dict)) or place in secrets:
        yield place
        return
    for key in sorted(came):
        yield from _inside(None, came[key], (*place, key), secrets)


def _differences(before: Any, after: Any, place: Pointer) -> Iterator[Pointer]:
    if not (isinstance(before, dict) and isinstance(after, dict)):
        if not same(before, after):
            yield place
        return
    for key in sorted(before.keys() | after.keys()):
        if key in before and key in after:
            yield from _differences(before[key], after[key], (*place, key))
        else:
            yield (*place, key)
