"""Outcomes as rows of a preview: which task, what would happen to it, before and after.

How a change's before and after are put into words is said by the app that owns the change.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from audit.admin.described import Difference
from tasks.admin.shown import differences, schema_of
from tasks.arrays import EqualsAny
from tasks.batch.change import Change
from tasks.batch.plan import Outcome, OutcomeKind, mark_of
from tasks.changes import RecycleTasks, RestoreEnabled, RestoreTasks, SetEnabled
from tasks.models import Task


# Given outcomes and the tasks by uid, returns what would differ of each task, by uid.
Describe = Callable[[Sequence[Outcome], Mapping[str, Task]], Mapping[str, Sequence[Difference]]]


class OutcomeRow(NamedTuple):
    """A target in a preview; without a task where the actor may not know of any."""

    uid: str
    kind: OutcomeKind
    task: Task | None
    differences: Sequence[Difference]
    why: Sequence[str]
    has_drifted: bool = False


_describers: dict[type[Change[Any]], Describe] = {}


def describe_outcomes(*, changes: Iterable[type[Change[Any]]], by: Describe) -> None:
    """Say how the outcomes of these changes, and of what is made from them, are put into words."""
    for change in changes:
        _describers[change] = by


def outcome_rows(
    *, change: Change[Any], outcomes: Sequence[Outcome], seen: Mapping[str, str]
) -> list[OutcomeRow]:
    """Return the outcomes as rows, in a fixed number of queries; `seen` are the marks of the preview."""
    known = [outcome for outcome in outcomes if outcome.kind is not OutcomeKind.MISSING]
    # What is missing because of the recycle bin is a task all the same.
    in_bin = [
        outcome for outcome in outcomes if outcome.kind is OutcomeKind.MISSING and outcome.task_id
    ]
    tasks = _read_tasks([outcome.uid for outcome in (*known, *in_bin)])
    lineage = type(change).__mro__
    describe = next((_describers[each] for each in lineage if each in _describers), _documents)
    differing = describe(known, tasks)
    return [
        OutcomeRow(
            outcome.uid,
            outcome.kind,
            tasks.get(outcome.uid),
            differing.get(outcome.uid, ()),
            list(_why(outcome)),
            has_drifted=outcome.uid in seen and seen[outcome.uid] != mark_of(outcome),
        )
        for outcome in outcomes
    ]


def _read_tasks(uids: Sequence[str]) -> dict[str, Task]:
    if not uids:
        return {}
    found = Task.objects.filter(EqualsAny("uid", uids)).select_related("project", "task_type")
    return {task.uid: task for task in found}


def _why(outcome: Outcome) -> Iterator[str]:
    if outcome.problems:
        for problem in outcome.problems:
            yield f"{problem.pointer or '/'}: {problem.message}"
    elif outcome.detail:
        yield outcome.detail


def _documents(
    outcomes: Sequence[Outcome], tasks: Mapping[str, Task]
) -> dict[str, list[Difference]]:
    """Put the documents that most changes plan with into words: place by place, without secrets."""
    types = {task.task_type_id: task.task_type for task in tasks.values()}
    secrets = {key: schema_of(task_type).secrets for key, task_type in types.items()}
    return {
        outcome.uid: list(
            differences(
                before=json.loads(outcome.before),
                after=json.loads(outcome.after),
                places=outcome.changed,
                secrets=secrets[tasks[outcome.uid].task_type_id],
            )
        )
        for outcome in outcomes
        if outcome.kind is OutcomeKind.CHANGE and outcome.uid in tasks
    }


def _in_words(
    outcomes: Sequence[Outcome], tasks: Mapping[str, Task]
) -> dict[str, list[Difference]]:
    return {
        uid: [each._replace(what=each.what.strip("/").replace("_", " ")) for each in differing]
        for uid, differing in _documents(outcomes, tasks).items()
    }


describe_outcomes(changes=(SetEnabled, RestoreEnabled, RecycleTasks, RestoreTasks), by=_in_words)
