"""A row's settings: text from cells takes its type from the schema, secrets go, the schema judges."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tasks.importing.csv_file import setting_of
from tasks.importing.directory import KnownType
from tasks.importing.rows import Row
from tasks.importing.strict_json import MAX_DEPTH, NotJSON, name_of, value_problems
from tasks.schemas import REFERENCE_PATTERN
from tasks.secrets import extract_secrets


_REFERENCE = re.compile(REFERENCE_PATTERN)


class Judged(NamedTuple):
    """Settings as JSON text with references in place of secrets, the secrets, and what is wrong."""

    text: str
    secrets: Mapping[str, str]
    problems: Sequence[str]


NOT_JUDGED = Judged("", {}, ())


def judge_settings(row: Row, task_type: KnownType) -> Judged:
    """Return a row's settings as they are to be stored, or what the task's type has against them."""
    if row.settings is None:
        return NOT_JUDGED
    settings, problems = _with_cells(row, task_type)
    problems += _problems_of_text(settings)
    if problems:
        # The validator takes no text that is not Unicode.
        return Judged("", {}, problems)
    schema = task_type.schema
    extracted = extract_secrets(settings, places=schema.secrets)
    found = [*schema.problems(extracted.document)]
    for place, value in extracted.values.items():
        found += schema.secret_problems(place, value)
        if _REFERENCE.fullmatch(value):
            problems.append(
                f"{name_of(('settings', *place))}: is a reference to a stored secret;"
                " give the secret itself, or leave it out and set it later"
            )
    problems += [f"settings{problem.pointer}: {problem.message}" for problem in found]
    text = json.dumps(extracted.document, ensure_ascii=False)
    return Judged(text, extracted.to_store, problems)


def _with_cells(row: Row, task_type: KnownType) -> tuple[dict[str, Any], list[str]]:
    settings = dict(row.settings or {})
    problems = []
    for place, cell in row.cells.items():
        try:
            value = setting_of(cell, task_type.rules_at(place))
        except NotJSON as error:
            problems.append(f"{name_of(('settings', *place))}: {error}")
            continue
        inner = settings
        for step in place[:-1]:
            inner = inner.setdefault(step, {})
        inner[place[-1]] = value
    return settings, problems


def _problems_of_text(settings: dict[str, Any]) -> list[str]:
    """Return what in the settings cannot be stored; a close look is needed for few."""
    try:
        text = json.dumps(settings, ensure_ascii=False)
        text.encode()
    except (RecursionError, UnicodeEncodeError):
        return list(value_problems(settings, ("settings",)))
    if "\\u0000" in text or text.count("{") + text.count("[") > MAX_DEPTH:
        return list(value_problems(settings, ("settings",)))
    return []
