"""A plan as data for a preview: the same for every vendor, and added to its own answer."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tasks.batch.plan import Outcome, OutcomeKind, Plan
from tasks.schemas import REFERENCE_PREFIX


_ABSENT = object()


class _Seen(NamedTuple):
    """All that the shown places of an outcome depend on; many targets of a batch share it."""

    before: str
    after: str
    changed: tuple[str, ...]


def plan_data(plan: Plan) -> dict[str, Any]:
    """Return the plan's fingerprint, counts, warnings and outcomes; secrets are named, not shown."""
    shown: dict[_Seen, list[dict[str, Any]]] = {}
    return {
        "fingerprint": plan.fingerprint,
        "counts": {str(kind): plan.counts[kind] for kind in OutcomeKind},
        "warnings": [
            {"code": str(code), "detail": detail, "targets": list(uids)}
            for code, detail, uids in plan.warnings
        ],
        "targets": [_outcome_data(outcome, shown) for outcome in plan.outcomes],
    }


def _outcome_data(outcome: Outcome, shown: dict[_Seen, list[dict[str, Any]]]) -> dict[str, Any]:
    data: dict[str, Any] = {"target": outcome.uid, "outcome": str(outcome.kind)}
    if outcome.reason:
        data |= {"code": str(outcome.reason), "detail": outcome.detail}
    if outcome.kind is OutcomeKind.CHANGE:
        seen = _Seen(outcome.before, outcome.after, tuple(outcome.changed))
        if seen not in shown:
            shown[seen] = _places(seen)
        data["changes"] = shown[seen]
    return data


def _places(seen: _Seen) -> list[dict[str, Any]]:
    before, after = json.loads(seen.before), json.loads(seen.after)
    return [_place(place, _at(before, place), _at(after, place)) for place in seen.changed]


def _place(place: str, before: Any, after: Any) -> dict[str, Any]:
    data = {
        name: value
        for name, value in (("before", before), ("after", after))
        if value is not _ABSENT
    }
    if any(_is_secret(value) for value in data.values()):
        return {"place": place, "secret": True}
    return {"place": place, **data}


def _at(document: Any, place: str) -> Any:
    """Return the value at a JSON pointer; a list of names holds a name or does not."""
    for step in place.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(document, list):
            return name in document
        if not isinstance(document, dict) or name not in document:
            return _ABSENT
        document = document[name]
    return document


def _is_secret(value: Any) -> bool:
    if isinstance(value, str):
        return value.startswith(REFERENCE_PREFIX)
    inside: Sequence[Any] = ()
    if isinstance(value, Mapping):
        inside = list(value.values())
    elif isinstance(value, list):
        inside = value
    return any(map(_is_secret, inside))
