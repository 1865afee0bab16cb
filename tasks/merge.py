"""RFC 7396 JSON merge patch, and which places it changed."""

from decimal import Decimal
from typing import Any

from tasks.schemas import Pointer


def merge_patch(document: Any, patch: Any) -> tuple[Any, list[Pointer]]:
    """Return the patched document and the places that differ; neither argument is modified.

    Objects merge deeply, arrays and scalars replace, null removes (RFC 7396, section 2).
    """
    changed: list[Pointer] = []
    return _merge(document, patch, (), changed), changed


def _merge(document: Any, patch: Any, place: Pointer, changed: list[Pointer]) -> Any:
    if not isinstance(patch, dict):
        if not same(document, patch):
            changed.append(place)
        return patch
    if not isinstance(document, dict):
        document = {}
        changed.append(place)
        changed = []  # the whole place is new: what is inside need not be told apart
    merged = dict(document)
    for key, value in patch.items():
        if value is None:
            if key in merged:
                changed.append((*place, key))
                del merged[key]
        elif key in merged or isinstance(value, dict):
            merged[key] = _merge(merged.get(key), value, (*place, key), changed)
        else:
            changed.append((*place, key))
            merged[key] = value
    return merged


def same(one: Any, other: Any) -> bool:
    """Compare as PostgreSQL stores JSON: true is not 1, but 1 is 1.0 and 1e3 is 1000."""
    if _is_number(one) and _is_number(other):
        return Decimal(repr(one)) == Decimal(repr(other))
    if type(one) is not type(other):
        return False
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return bool(one == other)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
