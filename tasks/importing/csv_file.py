"""CSV: a header, then one task per row; settings as one JSON column or one column per setting."""

import csv
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from tasks.batch.errors import Malformed
from tasks.importing.lines import problem_of_text, text_lines
from tasks.importing.records import (
    ALIASES,
    FIELDS,
    REQUIRED,
    TOLD_ONLY,
    UNUSABLE,
    FileUnreadable,
    Record,
    Source,
    problems_of,
    unreadable_record,
)
from tasks.schemas import Pointer
from tasks.strict_json import parse_value


SETTING_PREFIX = "settings."

_SWITCH = {"true": True, "false": False}


class Column(NamedTuple):
    """What the cells of a column are: a field, or the setting at a place."""

    field: str
    place: Pointer = ()


def read_csv(source: Source) -> Iterator[Record]:
    """Yield a record per row, named by the line on which the row begins.

    Raises:
        FileUnreadable: the header is wrong, or the quotes are.
    """
    rows = csv.reader(text_lines(source.file), strict=True)
    header = _next_row(rows)
    columns = columns_of("line 1", header or [], given=source.given)
    while True:
        start = rows.line_num + 1
        row = _next_row(rows)
        if row is None:
            return
        if row:
            yield record_of(f"line {start}", columns, row)


def _next_row(rows: Any) -> list[str] | None:
    start = rows.line_num + 1
    try:
        return next(rows, None)
    except csv.Error as error:
        raise FileUnreadable(
            f"line {start}: this row cannot be read: {error}"
            f" (it goes on to line {rows.line_num}; is a quote missing or one too many?)"
        ) from error


def columns_of(place: str, header: Sequence[str], *, given: frozenset[str]) -> list[Column]:
    """Return what the cells below a header are.

    Raises:
        FileUnreadable: the header names what no task has, or lacks what every task must have.
    """
    names = [name.strip() for name in header]
    problems = list(_header_problems(names))
    if not problems:
        fields = {ALIASES.get(name, name) for name in names}
        problems = [
            f"there is no column {name!r}"
            + ("" if name == "name" else f", and no {name} was given for all rows")
            for name in REQUIRED
            if name not in fields | given
        ]
    if problems:
        raise FileUnreadable(f"{place}: {'; '.join(problems)}")
    return [_column(ALIASES.get(name, name)) for name in names]


def _header_problems(names: Sequence[str]) -> Iterator[str]:
    if len(names) == 1 and any(sign in names[0] for sign in ";\t|"):
        yield "there is one column only; columns are separated by commas"
        return
    counts = Counter(ALIASES.get(name, name) for name in names)
    yield from (f"the column {name!r} stands there twice" for name in counts if counts[name] > 1)
    known = {*FIELDS, *TOLD_ONLY}
    unknown = [name for name in counts if name not in known and not _is_setting(name)]
    if unknown:
        listed = ", ".join(map(repr, unknown))
        yield f"unknown: {listed}; known are {', '.join(FIELDS)} and {SETTING_PREFIX}*"
    settings = sorted(name for name in counts if _is_setting(name))
    if settings and "settings" in counts:
        yield f"'settings' and {settings[0]!r} cannot both be columns"
    for name in settings:
        if inner := next((other for other in settings if other.startswith(f"{name}.")), None):
            yield f"{name!r} and {inner!r} cannot both be columns"


def _is_setting(name: str) -> bool:
    return name.startswith(SETTING_PREFIX) and all(name.split("."))


def _column(name: str) -> Column:
    field, *place = name.split(".")
    return Column(field, tuple(place))


def record_of(place: str, columns: Sequence[Column], row: Sequence[str]) -> Record:
    """Return the record that a row of cells is."""
    if len(row) != len(columns):
        return unreadable_record(
            place, f"has {len(row)} cells where the header has {len(columns)} columns"
        )
    fields: dict[str, Any] = {}
    cells: dict[Pointer, str] = {}
    problems: list[str] = []
    for column, cell in zip(columns, row, strict=True):
        if not cell or column.field in TOLD_ONLY:
            continue
        found: list[str] = []
        value: Any = UNUSABLE
        if problem := problem_of_text(cell):
            found.append(f"{'/'.join((column.field, *column.place))}: {problem}")
        elif column.place:
            cells[column.place] = cell
        else:
            value, found = _value(column.field, cell)
        if not column.place:
            fields[column.field] = value
        problems += found
    return Record(place, fields, cells, problems)


def _value(field: str, cell: str) -> tuple[Any, list[str]]:
    """Return what a cell means, and why it means nothing there."""
    if field == "enabled":
        value = _SWITCH.get(cell.lower(), UNUSABLE)
        return value, ["enabled: must be true or false"] if value is UNUSABLE else []
    if field != "settings":
        return cell, []
    try:
        return parse_value(cell.encode()), []
    except Malformed as error:
        return UNUSABLE, problems_of(error, field=field)


def setting_of(cell: str, rules: Mapping[str, Any]) -> Any:
    """Return what the text in a settings column means where these rules hold.

    Raises:
        Malformed: it must be a number, a switch, a list or an object, and is none.
    """
    kinds = rules.get("type", "string")
    if "string" in (kinds if isinstance(kinds, list) else [kinds]):
        return cell
    if "boolean" in kinds and cell.lower() in _SWITCH:
        return _SWITCH[cell.lower()]
    try:
        return parse_value(cell.encode())
    except Malformed as error:
        wanted = kinds if isinstance(kinds, str) else " or ".join(kinds)
        raise Malformed([("", f"must be of type {wanted}")]) from error
