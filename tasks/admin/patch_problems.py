"""What is wrong with a merge patch for the chosen tasks' types, before anything is previewed.

What all of the types refuse cannot be meant. What only some refuse is told and let through: the preview
says for which tasks, and the others can be changed.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tasks.batch.errors import Malformed
from tasks.json_positions import position_of, positions
from tasks.patch_rules import patch_rules
from tasks.present_settings import TypeNamed
from tasks.schemas import json_pointer, problems_for_any_type, secret_places
from tasks.setting_places import setting_at
from tasks.shared_properties import enumerated
from tasks.strict_json import parse_object


class Finding(NamedTuple):
    """What is wrong at a place, a JSON pointer; `blocks` if it is wrong for every type."""

    pointer: str
    message: str
    blocks: bool


class LineProblem(NamedTuple):
    """What is wrong at a line of a text, as editors count."""

    line: int
    column: int
    message: str
    blocks: bool

    def __str__(self) -> str:
        return f"Line {self.line}, column {self.column}: {self.message}"


class ReadText(NamedTuple):
    """The patch that a text is, None if it is none, and what is wrong with it."""

    patch: dict[str, Any] | None
    problems: Sequence[LineProblem]


def findings(*, types: Sequence[TypeNamed], patch: Mapping[str, Any]) -> list[Finding]:
    """Return what the types say against the patch, in the order of the places."""
    found = [
        Finding(problem.pointer, problem.message, blocks=True)
        for problem in problems_for_any_type(patch, sealed=())
    ]
    said: dict[tuple[str, str], list[str]] = {}
    for each in types:
        for problem in patch_rules(each.text).problems(patch):
            said.setdefault((problem.pointer, problem.message), []).append(each.name)
    refusing: dict[str, set[str]] = {}
    for (pointer, _), names in said.items():
        refusing.setdefault(pointer, set()).update(names)
    for (pointer, message), names in said.items():
        whose = "" if len(names) == len(types) else f" (in {enumerated(names)})"
        blocks = len(refusing[pointer]) == len(types)
        found.append(Finding(pointer, f"{message}{whose}", blocks))
    return sorted(found)


def read_patch(*, text: str, types: Sequence[TypeNamed]) -> ReadText:
    """Read a text as a merge patch; a secret has no place in it, since a text is shown again."""
    try:
        patch = parse_object(text.encode(errors="surrogatepass"))
    except Malformed as error:
        return ReadText(None, list(_malformed(error, text)))
    found = findings(types=types, patch=patch)
    secret = {place for each in types for place, _ in secret_places(json.loads(each.text))}
    for place in sorted(secret):
        if setting_at(patch, place) is not None:
            message = "it is a secret, and has a field of its own below"
            found.append(Finding(json_pointer(place), message, blocks=True))
    return ReadText(patch, list(_at_lines(found, text)))


def _malformed(error: Malformed, text: str) -> list[LineProblem]:
    cause = error.__cause__
    if isinstance(cause, json.JSONDecodeError):
        return [LineProblem(cause.lineno, cause.colno, f"not JSON: {cause.msg}", blocks=True)]
    if isinstance(cause, RecursionError):
        # Nobody has a use for the places of what is nested a million deep.
        return [LineProblem(1, 1, str(error), blocks=True)]
    found = [Finding(place, message, blocks=True) for place, message in error.problems]
    return _at_lines(found, text)


def _at_lines(found: Sequence[Finding], text: str) -> list[LineProblem]:
    known = positions(text) if found else {}
    placed = [(position_of(each.pointer, known=known), each) for each in found]
    return sorted(
        LineProblem(position.line, position.column, each.message, each.blocks)
        for position, each in placed
    )
