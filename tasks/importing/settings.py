"""A row's settings: text from cells takes its type from the schema, secrets go, the schema judges."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from audit.masking import MASK
from tasks.batch.errors import Malformed
from tasks.importing.csv_file import setting_of
from tasks.importing.directory import KnownType
from tasks.importing.records import problems_of
from tasks.importing.rows import Row
from tasks.schemas import (
    CompiledSchema,
    Pointer,
    Problem,
    json_pointer,
    problems_for_any_type,
)
from tasks.secrets import extract_secrets


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
    if problems:
        return Judged("", {}, problems)
    schema = task_type.schema
    extracted = extract_secrets(settings, places=schema.secrets)
    found = problems_for_any_type(settings, sealed=())
    if not found:
        found = schema.problems(extracted.document)
        for place, value in extracted.values.items():
            found += _problems_of_secret(schema, place, value)
    problems = [f"settings{problem.pointer}: {problem.message}" for problem in found]
    text = json.dumps(extracted.document, ensure_ascii=False)
    return Judged(text, extracted.to_store, problems)


def _problems_of_secret(schema: CompiledSchema, place: Pointer, value: str) -> list[Problem]:
    if value == MASK:
        message = (
            f"{MASK!r} is what an export writes for a secret: give the secret, or leave it out"
        )
        return [Problem(json_pointer(place), "secret", message)]
    return schema.secret_problems(place, value)


def _with_cells(row: Row, task_type: KnownType) -> tuple[dict[str, Any], list[str]]:
    settings = dict(row.settings or {})
    problems = []
    for place, cell in row.cells.items():
        try:
            value = setting_of(cell, task_type.rules_at(place))
        except Malformed as error:
            problems += problems_of(error, field=f"settings{json_pointer(place)}")
            continue
        inner = settings
        for step in place[:-1]:
            inner = inner.setdefault(step, {})
        inner[place[-1]] = value
    return settings, problems
