"""JSON as RFC 8259 means it: what two readers could understand differently is refused.

Python's own reader keeps the last of repeated keys, knows NaN, and takes what PostgreSQL cannot store
(NUL, lone surrogates, infinities). Every such place is reported, as a JSON pointer; values never are.
"""

import json
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Any

from tasks.batch.errors import Malformed
from tasks.schemas import Pointer, json_pointer


MAX_DEPTH = 32
# A double has no more digits before its point; a longer number would be infinite elsewhere.
_MAX_DIGITS = 308
# Enough to repair a body by; a hostile one has a million.
_MAX_PROBLEMS = 100
_TOO_DEEP = f"nested more than {MAX_DEPTH} deep"
_TOO_LARGE = "a number beyond what a double can hold"
_TOO_SMALL = "a number closer to zero than a double can hold"


class _Repeating(dict[str, Any]):
    """An object some of whose keys stood in it more than once."""

    repeated: tuple[str, ...] = ()


class _Refused:
    """Stands where a value was that is not taken."""

    def __init__(self, why: str) -> None:
        self.why = why


def parse_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object that the bytes are.

    Raises:
        Malformed: naming the places that are wrong, or the position at which reading ended.
    """
    if not body.strip():
        raise Malformed([("", "the body is empty; a JSON object is expected")])
    value = parse_value(body)
    if not isinstance(value, dict):
        raise Malformed([("", "the body must be a JSON object")])
    return value


def parse_value(text: bytes) -> Any:
    """Return the JSON value that the bytes are.

    Raises:
        Malformed: naming the places that are wrong, or the position at which reading ended.
    """
    value, clean = _read(text)
    if not clean and (problems := list(islice(_problems(value, ()), _MAX_PROBLEMS))):
        raise Malformed(problems)
    return value


class _Reading:
    """What the library calls as it reads; it notes what needs a closer look."""

    def __init__(self, body: bytes) -> None:
        self.is_clean = b"\\u" not in body and body.count(b"{") + body.count(b"[") <= MAX_DEPTH

    def refuse(self, why: str) -> _Refused:
        self.is_clean = False
        return _Refused(why)

    def as_object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) == len(pairs):
            return found
        self.is_clean = False
        repeating = _Repeating(found)
        counts = Counter(key for key, _ in pairs)
        repeating.repeated = tuple(key for key, count in counts.items() if count > 1)
        return repeating

    def as_float(self, digits: str) -> float | _Refused:
        value = float(digits)
        if not value and any(digit in "123456789" for digit in digits.lower().partition("e")[0]):
            return self.refuse(_TOO_SMALL)
        return self.refuse(_TOO_LARGE) if value in {float("inf"), float("-inf")} else value

    def as_integer(self, digits: str) -> int | _Refused:
        return self.refuse(_TOO_LARGE) if len(digits) > _MAX_DIGITS else int(digits)

    def as_constant(self, name: str) -> _Refused:
        return self.refuse(f"{name} is not JSON")


def _read(body: bytes) -> tuple[Any, bool]:
    """Return the value, and whether it needs no closer look."""
    reading = _Reading(body)
    try:
        value = json.loads(
            body.decode(),
            object_pairs_hook=reading.as_object,
            parse_float=reading.as_float,
            parse_int=reading.as_integer,
            parse_constant=reading.as_constant,
        )
    except UnicodeDecodeError as error:
        raise Malformed([(f"byte {error.start}", "the body is not UTF-8")]) from error
    except json.JSONDecodeError as error:
        place = f"line {error.lineno} column {error.colno}"
        raise Malformed([(place, f"not JSON: {error.msg}")]) from error
    except RecursionError as error:
        raise Malformed([("", _TOO_DEEP)]) from error
    return value, reading.is_clean


def _problems(value: Any, place: Pointer) -> Iterator[tuple[str, str]]:
    if isinstance(value, _Refused):
        yield json_pointer(place), value.why
    elif isinstance(value, str):
        yield from _problems_of_text(value, place)
    elif isinstance(value, dict | list):
        if len(place) >= MAX_DEPTH:
            yield json_pointer(place), _TOO_DEEP
            return
        yield from _problems_inside(value, place)


def _problems_inside(
    container: dict[str, Any] | list[Any], place: Pointer
) -> Iterator[tuple[str, str]]:
    if isinstance(container, list):
        for index, item in enumerate(container):
            yield from _problems(item, (*place, str(index)))
        return
    if isinstance(container, _Repeating):
        for key in container.repeated:
            yield json_pointer((*place, _printable(key))), "the key stands here more than once"
    for key, item in container.items():
        inside = (*place, _printable(key))
        yield from _problems_of_text(key, inside)
        yield from _problems(item, inside)


def _problems_of_text(text: str, place: Pointer) -> Iterator[tuple[str, str]]:
    if "\0" in text:
        yield json_pointer(place), "holds the character U+0000, which cannot be stored"
    if _printable(text) != text:
        yield json_pointer(place), "holds half of a surrogate pair, which is no character"


def _printable(text: str) -> str:
    return text.encode(errors="replace").decode()
