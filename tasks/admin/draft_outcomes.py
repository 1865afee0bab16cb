"""What a draft keeps of the plan that was shown: a letter for each target, and what was warned of."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from django.db.models import Count, Min

from tasks.arrays import EqualsAny
from tasks.batch.plan import REFUSED_KINDS, OutcomeKind, Plan
from tasks.models import Draft, Task


# The letters of `Draft.outcomes`.
_LETTERS = {
    OutcomeKind.CHANGE: "c",
    OutcomeKind.UNCHANGED: "u",
    OutcomeKind.MISSING: "m",
    OutcomeKind.DENIED: "d",
    OutcomeKind.INVALID: "i",
    OutcomeKind.CONFLICT: "x",
}
# Those of targets on which the actor has the right.
_PERMITTED = frozenset("cuix")


def letters_of(plan: Plan) -> str:
    """Return a letter for each target, in their order, for the kind of its outcome."""
    return "".join(_LETTERS[outcome.kind] for outcome in plan.outcomes)


def counts_of(draft: Draft) -> Mapping[OutcomeKind, int]:
    """Return how many targets have each kind of outcome, in the order of `OutcomeKind`."""
    counted = Counter(draft.outcomes)
    return {kind: counted[letter] for kind, letter in _LETTERS.items()}


def uids_with(draft: Draft, kind: OutcomeKind) -> list[str]:
    """Return the targets with this kind of outcome."""
    wanted = _LETTERS[kind]
    return [uid for uid, letter in zip(draft.uids, draft.outcomes, strict=True) if letter == wanted]


def refused_in(draft: Draft) -> int:
    """Return how many targets stand in the way of applying all."""
    return sum(count for kind, count in counts_of(draft).items() if kind in REFUSED_KINDS)


def one_of_each_type(draft: Draft) -> list[str]:
    """Return one target of each type, of those that bind the change."""
    permitted = [
        uid for uid, letter in zip(draft.uids, draft.outcomes, strict=True) if letter in _PERMITTED
    ]
    types = Task.objects.filter(EqualsAny("uid", permitted)).values("task_type")
    return list(
        types.annotate(first=Min("uid")).order_by("task_type").values_list("first", flat=True)
    )


def count_projects(draft: Draft) -> int:
    """Return in how many projects the targets are that change."""
    changing = Task.objects.filter(EqualsAny("uid", uids_with(draft, OutcomeKind.CHANGE)))
    counted: int = changing.aggregate(projects=Count("project", distinct=True))["projects"]
    return counted


def positions_of(plan: Plan) -> list[dict[str, Any]]:
    """Return the warnings with the positions of their targets, which are shorter than their ids."""
    position = {outcome.uid: at for at, outcome in enumerate(plan.outcomes)}
    return [
        {
            "code": warning.code,
            "detail": warning.detail,
            "targets": [position[uid] for uid in warning.uids],
        }
        for warning in plan.warnings
    ]
