"""A plan as data for a preview: the same for every vendor, and added to its own answer."""

import json
from typing import Any, NamedTuple

from audit.differences import Difference, difference_data, value_at
from tasks.batch.plan import Outcome, OutcomeKind, Plan


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
    return [
        difference_data(Difference(place, value_at(before, place), value_at(after, place)))
        for place in seen.changed
    ]
