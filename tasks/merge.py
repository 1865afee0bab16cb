"""RFC 7396 JSON merge patch, and which places it changed."""

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
        if not _same(document, patch):
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


def _same(one: Any, other: Any) -> bool:
    """Compare as JSON does: true is not 1, and 1 is not 1.0."""
    if type(one) is not type(other):
        return False
    if isinstance(one, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    return bool(one == other)
