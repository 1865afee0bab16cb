"""JSON that can mean only one thing: no repeated keys, no NaN, no numbers beyond all measure."""

import json
import math
from collections.abc import Iterator
from typing import Any

from tasks.importing.lines import problem_of_text
from tasks.schemas import Pointer, json_pointer


MAX_DEPTH = 32
MAX_DIGITS = 308


class NotJSON(ValueError):
    """The text is no JSON, or says something twice; the message tells no value."""


def parse_json(text: str) -> Any:
    """Return the value that the text is.

    Raises:
        NotJSON: saying why it cannot be read.
    """
    try:
        return json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_refuse_constant,
            parse_float=_number,
            parse_int=_integer,
        )
    except json.JSONDecodeError as error:
        raise NotJSON(f"is not JSON: {error.msg} at character {error.pos + 1}") from error
    except RecursionError as error:
        raise NotJSON(f"is nested more than {MAX_DEPTH} deep") from error


def value_problems(value: Any, place: Pointer) -> Iterator[str]:
    """Yield what in the value cannot be stored, each with its place."""
    if isinstance(value, str):
        if problem := problem_of_text(value):
            yield f"{name_of(place)}: {problem}"
    elif isinstance(value, dict | list):
        if len(place) > MAX_DEPTH:
            yield f"{name_of(place)}: is nested more than {MAX_DEPTH} deep"
            return
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in pairs:
            if problem := problem_of_text(str(key)):
                yield f"{name_of(place)}: a key in it {problem}"
            else:
                yield from value_problems(item, (*place, str(key)))


def name_of(place: Pointer) -> str:
    """Return how messages name a place in a record."""
    return json_pointer(place).removeprefix("/")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise NotJSON("has a key more than once in one object")
    return found


def _refuse_constant(name: str) -> Any:
    raise NotJSON(f"holds {name}, which is not JSON")


def _number(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise NotJSON("holds a number beyond all measure")
    return number


def _integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise NotJSON("holds a number beyond all measure")
    return int(digits)
