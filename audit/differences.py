"""What changed at a place of an object, as data: the same in previews, in history and in comparisons.

A place is a JSON pointer (RFC 6901) into the object. Nothing shown here is a secret.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from json.encoder import encode_basestring
from typing import Any, NamedTuple

from audit.masking import SECRET, names_secret


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
# Most of what exports write, millions of times; the encoder takes longer to start than they take.
_SIMPLE: Mapping[type, Callable[[Any], str]] = {
    str: encode_basestring,
    int: int.__repr__,
    bool: {True: "true", False: "false"}.__getitem__,
    type(None): {None: "null"}.__getitem__,
}


def as_json(value: Any) -> str:
    """Return the value as JSON, as short as it can be."""
    return _SIMPLE.get(type(value), _encode)(value)


class Absent:
    """Stands where a place holds nothing, which null is not."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT = Absent()


class Difference(NamedTuple):
    """A place and what it held before and after."""

    place: str
    before: Any = ABSENT
    after: Any = ABSENT
    is_secret: bool = False


def difference_data(difference: Difference) -> dict[str, Any]:
    """Return the difference for programs; that a secret changed is said, and nothing else of it."""
    held = {
        name: value
        for name, value in (("before", difference.before), ("after", difference.after))
        if value is not ABSENT
    }
    if difference.is_secret or any(map(names_secret, held.values())):
        return {"place": difference.place, **SECRET}
    return {"place": difference.place, **held}


def differences_text(differences: Iterable[Difference]) -> str:
    """Return what `difference_data` says of each, as JSON; exports have millions of them."""
    return f"[{','.join(map(_text, differences))}]"


def _text(difference: Difference) -> str:
    place, before, after, is_secret = difference
    held = f'{{"place":{encode_basestring(place)}'
    if not is_secret:
        if before is not ABSENT:
            if names_secret(before):
                return f'{held},"secret":true}}'
            held += f',"before":{as_json(before)}'
        if after is ABSENT:
            return f"{held}}}"
        if not names_secret(after):
            return f'{held},"after":{as_json(after)}}}'
    return f'{{"place":{encode_basestring(place)},"secret":true}}'


def value_at(document: Any, place: str) -> Any:
    """Return what stands at the place, or `ABSENT`; a list of names holds a name or does not."""
    for step in steps_of(place):
        if isinstance(document, list):
            return step in document
        if not isinstance(document, dict) or step not in document:
            return ABSENT
        document = document[step]
    return document


def steps_of(place: str) -> tuple[str, ...]:
    """Return the keys that lead to the place."""
    return tuple(
        step.replace("~1", "/").replace("~0", "~")  # in this order: ~01 is the key ~1
        for step in place.split("/")[1:]
    )
