"""Where in a JSON text its values stand, so that a problem can be shown at its line.

Reads only text that `tasks.strict_json` has read; it owns no rules of its own.
"""

import json
import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tasks.schemas import Pointer, json_pointer


# Strings, numbers and words, and what opens, closes and parts; blanks between them are passed over.
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+')


class Position(NamedTuple):
    """A place in a text, as editors count: from one."""

    line: int
    column: int


class _Container:
    """An object or an array that is being read, and the step to what stands next in it."""

    def __init__(self, place: Pointer, *, is_array: bool) -> None:
        self.place, self.is_array, self.count = place, is_array, 0
        self.key: str | None = None

    @property
    def inside(self) -> Pointer:
        """The place of what stands next."""
        return (*self.place, str(self.count) if self.is_array else self.key or "")


def positions(text: str) -> dict[str, Position]:
    """Return where each value of the JSON text stands: an object's at its key; the last of equal keys."""
    starts = _line_starts(text)
    found = {"": 0, **dict(_offsets(text))}
    return {pointer: _position(offset, starts) for pointer, offset in found.items()}


def position_of(pointer: str, *, known: Mapping[str, Position]) -> Position:
    """Return where the pointer's value stands or, if it is not in the text, what would hold it."""
    while pointer and pointer not in known:
        pointer = pointer.rpartition("/")[0]
    return known.get(pointer, Position(1, 1))


def _offsets(text: str) -> Iterator[tuple[str, int]]:
    open_ones: list[_Container] = []
    for token in _TOKEN.finditer(text):
        sign, current = token[0], open_ones[-1] if open_ones else None
        if sign in "}]":
            open_ones.pop()
        elif sign == ",":
            if current:
                current.count, current.key = current.count + 1, None
        elif current and not current.is_array and current.key is None:
            current.key = json.loads(sign)
            yield json_pointer(current.inside), token.start()
        elif sign != ":":
            if current and current.is_array:
                yield json_pointer(current.inside), token.start()
            if sign in "{[":
                place = current.inside if current else ()
                open_ones.append(_Container(place, is_array=sign == "["))


def _line_starts(text: str) -> list[int]:
    return [0, *(match.end() for match in re.finditer(r"\r\n|\r|\n", text))]


def _position(offset: int, starts: list[int]) -> Position:
    line = bisect_right(starts, offset)
    return Position(line, offset - starts[line - 1] + 1)
