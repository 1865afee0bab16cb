"""RFC 7396 JSON merge patch: in Python, with the places that it changed, and in SQL.

Python's is what is judged and shown. The database's is what is written: it leaves alone to the last
digit what the patch does not name, and nothing but the patch travels. Tests hold the two equal.
"""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec
from psycopg import sql

from audit.recorder import Expression
from tasks.schemas import Pointer


# Reads what `json.loads` reads, to the same values, in less than half the time.
read_json = msgspec.json.Decoder(float_hook=float).decode


def merge_patch(document: Any, patch: Any) -> tuple[Any, list[Pointer]]:
    """Return the patched document and the places that differ; neither argument is modified.

    Objects merge deeply, arrays and scalars replace, null removes (RFC 7396, section 2).
    """
    changed: list[Pointer] = []
    if isinstance(patch, dict):
        return _merge(document, patch, (), changed), changed
    return patch, [] if same(document, patch) else [()]


def patch_between(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Return the patch that makes `after` of `before`; what a patch cannot say is left out.

    A null inside an object of `after` is such: in a patch it removes.
    """
    patch: dict[str, Any] = {key: None for key in before if key not in after}
    for key, value in after.items():
        if key in before and same(before[key], value):
            continue
        inside = before.get(key)
        if isinstance(inside, dict) and isinstance(value, dict):
            patch[key] = patch_between(inside, value)
        else:
            patch[key] = value
    return patch


def _merge(
    document: Any, patch: dict[str, Any], place: Pointer, changed: list[Pointer]
) -> dict[str, Any]:
    if not isinstance(document, dict):
        document = {}
        changed.append(place)
        changed = []  # the whole place is new: what is inside need not be told apart
    merged: dict[str, Any] = document.copy()
    for key, value in patch.items():
        if isinstance(value, dict):
            merged[key] = _merge(document.get(key), value, (*place, key), changed)
        elif value is not None:
            if key not in document or not same(document[key], value):
                changed.append((*place, key))
            merged[key] = value
        elif key in document:
            changed.append((*place, key))
            del merged[key]
    return merged


def merge_expression(*, document: sql.Composable, patch: Mapping[str, Any]) -> Expression:
    """Return the SQL that merges the patch into a JSON document; it grows with the patch's objects."""
    arguments: dict[str, Any] = {}
    return Expression(sql=_merge_sql(document, patch, arguments), arguments=arguments)


def objects_in(patch: Mapping[str, Any]) -> int:
    """Return how many objects the patch consists of."""
    return 1 + sum(objects_in(value) for value in patch.values() if isinstance(value, dict))


def _merge_sql(
    document: sql.Composable, patch: Mapping[str, Any], arguments: dict[str, Any]
) -> sql.Composed:
    def argument(value: Any) -> sql.Placeholder:
        name = f"patch_{len(arguments)}"
        arguments[name] = value
        return sql.Placeholder(name)

    kept: sql.Composable = sql.SQL(
        "CASE jsonb_typeof({0}) WHEN 'object' THEN {0} ELSE '{{}}' END"
    ).format(document)
    if removed := [key for key, value in patch.items() if value is None]:
        kept = sql.SQL("({}) - {}::text[]").format(kept, argument(removed))
    objects = {key: value for key, value in patch.items() if isinstance(value, dict)}
    others = {key: patch[key] for key in patch.keys() - objects.keys() - set(removed)}
    merged: list[sql.Composable] = []
    for key, value in objects.items():
        name = sql.SQL("{}::text").format(argument(key))
        inside = sql.SQL("({} -> {})").format(document, name)
        merged += [name, _merge_sql(inside, value, arguments)]
    sides = [kept]
    if others:
        written = json.dumps(others, ensure_ascii=False)
        sides.append(sql.SQL("{}::jsonb").format(argument(written)))
    if merged:
        sides.append(sql.SQL("jsonb_build_object({})").format(sql.SQL(", ").join(merged)))
    # The document stands beside one `||` only: each copies both of its sides.
    first, *rest = sides
    if not rest:
        return sql.SQL("({})").format(first)
    return sql.SQL("(({}) || ({}))").format(first, sql.SQL(" || ").join(rest))


def same(one: Any, other: Any) -> bool:
    """Compare as PostgreSQL stores JSON: true is not 1, but 1 is 1.0 and 1e3 is 1000."""
    if (kind := type(one)) is type(other):
        if kind is list:
            return len(one) == len(other) and all(map(same, one, other))
        if kind is dict:
            return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
        return bool(one == other)
    if _is_number(one) and _is_number(other):
        return Decimal(repr(one)) == Decimal(repr(other))
    return False


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
