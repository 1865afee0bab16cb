"""Outcomes and plans: what a change would do to each target, as data."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from typing import Any, NamedTuple

from tasks.schemas import Problem
from tasks.secrets import keyed_digest


class OutcomeKind(StrEnum):
    """What happens to one target."""

    CHANGE = "change"
    UNCHANGED = "unchanged"
    MISSING = "missing"
    DENIED = "denied"
    INVALID = "invalid"
    CONFLICT = "conflict"

    # An enum's own is written in Python, and outcomes are counted by the ten thousand.
    __hash__ = str.__hash__


class Reason(StrEnum):
    """Why a target is refused."""

    NOT_FOUND = "not_found"
    NO_RIGHT = "no_right"
    LOCKED_ROLE = "locked_role"
    NOT_HELD = "flag_not_held"
    SETTINGS = "settings_invalid"
    SECRET_PLACE = "secret_place"  # noqa: S105 - names a rule
    OTHER_PROJECT = "other_project"
    UNKNOWN_ROLE = "unknown_role"
    CHANGED_SINCE = "changed_since"
    NAME_TAKEN = "name_taken"


REFUSED_KINDS = frozenset(
    {OutcomeKind.MISSING, OutcomeKind.DENIED, OutcomeKind.INVALID, OutcomeKind.CONFLICT}
)


class WarningCode(StrEnum):
    """What whoever confirms a plan should know."""

    LAST_MANAGER_LOST = "last_manager_lost"
    DELETE_GAINED = "delete_gained"
    LEAVES_PROJECT = "leaves_project"
    HIDDEN_FROM_ROLE = "hidden_from_role"


class PlanWarning(NamedTuple):
    """Something that a plan brings about for some targets; it stands in the way of nothing."""

    code: WarningCode
    detail: str
    uids: Sequence[str]


class Outcome(NamedTuple):
    """What happens to one target: the kind, why, and before and after as JSON text.

    `mark` is the version of what was read; two plans agree on a target when kind and mark are equal.
    `write` is what the change needs to write it; nobody else reads it.
    """

    uid: str
    kind: OutcomeKind
    task_id: int | None = None
    mark: str = ""
    before: str = ""
    after: str = ""
    changed: Sequence[str] = ()
    reason: Reason | None = None
    detail: str = ""
    problems: Sequence[Problem] = ()
    write: Any = None


def mark_of(outcome: Outcome) -> str:
    """Return what a plan saw of a target: its outcome and the version of what was read."""
    return f"{outcome.kind[:2]}{outcome.mark}"


@dataclass(frozen=True)
class Plan:
    """All outcomes of a change, in the order of the targets.

    `identity` says which change with which parameters; it may hold secrets and is never stored.
    `warnings` come with a preview only. `noun` is what the targets are.
    """

    kind: str
    identity: Mapping[str, Any] = field(repr=False)
    outcomes: Sequence[Outcome] = field(repr=False)
    warnings: Sequence[PlanWarning] = field(default=(), repr=False)
    noun: str = "task"

    @cached_property
    def counts(self) -> Counter[OutcomeKind]:
        """How many targets have each kind of outcome."""
        return Counter(outcome.kind for outcome in self.outcomes)

    @cached_property
    def changes(self) -> list[Outcome]:
        """The outcomes that will be written."""
        return [outcome for outcome in self.outcomes if outcome.kind is OutcomeKind.CHANGE]

    @property
    def changed_places(self) -> set[str]:
        """Every place that changes on some target; targets that change alike share their lists."""
        shared = {id(outcome.changed): outcome.changed for outcome in self.changes}
        return {place for places in shared.values() for place in places}

    @cached_property
    def refusals(self) -> list[Outcome]:
        """The outcomes that stand in the way of applying the plan."""
        return [outcome for outcome in self.outcomes if outcome.kind in REFUSED_KINDS]

    @property
    def part(self) -> "Plan":
        """The plan for those targets alone that change, where others stand in the way."""
        return replace(self, outcomes=self.changes, warnings=())

    @cached_property
    def marks(self) -> dict[str, str]:
        """What was seen of each target: its uid → outcome and version."""
        return {outcome.uid: mark_of(outcome) for outcome in self.outcomes}

    @cached_property
    def fingerprint(self) -> str:
        """A keyed digest over change, parameters, targets, outcomes and versions."""
        content = [json.dumps([self.kind, self.identity], sort_keys=True)]
        content += sorted(f"{uid} {mark}" for uid, mark in self.marks.items())
        return keyed_digest(purpose="plan", content="\n".join(content).encode())
