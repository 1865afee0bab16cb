"""How many tasks an actor may view, by type and by project: counted if they are few, else estimated.

Counting a million tasks takes seconds, and nobody reads seven digits: beyond some thousands a sample is
looked at, and what it says is called an estimate.
"""

from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import NamedTuple

from django.contrib.auth.models import User
from django.db.models import Max, Min

from tasks.arrays import EqualsAny
from tasks.batch.authority import VIEW, rights_on
from tasks.models import Project, Task, TaskType
from tasks.visibility import visible_tasks


# So many keys are drawn, and so many tasks are counted one by one where that turns out to be enough.
DRAWN = 4_000
MOST_COUNTED = 15_000
# What is seen less often in a sample says little about its number.
_LEAST_SEEN = 25
_MOST_NAMED = 12


# Types and projects of tasks.
_Pairs = Sequence[tuple[int, int]]


class Share(NamedTuple):
    """A type or a project by its key and name, and the number of its tasks."""

    key: int
    name: str
    tasks: int


class Shares(NamedTuple):
    """The largest, largest first, and the number of tasks of all others together."""

    largest: Sequence[Share]
    others: int


class Extent(NamedTuple):
    """The tasks that an actor may view outside the recycle bin."""

    total: int
    is_estimate: bool
    by_type: Shares
    by_project: Shares


def read_extent(*, actor: User) -> Extent:
    """Return how many tasks the actor may view, and of which types and projects they are."""
    ends = Task.objects.aggregate(first=Min("pk"), last=Max("pk"))
    keys = range(ends["first"] or 0, (ends["last"] or -1) + 1)
    # The same draw each time, so that looking again shows the same.
    drawn = Random(0).sample(keys, min(DRAWN, len(keys)))  # noqa: S311  # no secret hangs on it
    weight = len(keys) / max(len(drawn), 1)
    sample = _pairs_of(actor=actor, task_ids=drawn)
    if weight > 1 and len(sample) * weight <= MOST_COUNTED:
        visible = visible_tasks(actor=actor).filter(recycled_at=None).order_by()
        # A sample may be wrong about how few they are: then the first of them are all that is told.
        bound = 2 * MOST_COUNTED
        counted = list(visible.values_list("task_type_id", "project_id")[:bound])
        return _extent(counted, weight=1, is_estimate=len(counted) == bound)
    return _extent(sample, weight=weight, is_estimate=weight > 1)


def _pairs_of(*, actor: User, task_ids: Sequence[int]) -> _Pairs:
    """Return types and projects of those of the tasks that the actor may view."""
    held = rights_on(actor=actor, task_ids=task_ids)
    seen = [key for key, rights in held.items() if VIEW in rights]
    tasks = Task.objects.filter(EqualsAny("id", seen), recycled_at=None)
    return list(tasks.values_list("task_type_id", "project_id"))


def _extent(pairs: _Pairs, *, weight: float, is_estimate: bool) -> Extent:
    return Extent(
        total=round(len(pairs) * weight),
        is_estimate=is_estimate,
        by_type=_shares(TaskType, Counter(key for key, _ in pairs), weight),
        by_project=_shares(Project, Counter(key for _, key in pairs), weight),
    )


def _shares(model: type[Project | TaskType], seen: Counter[int], weight: float) -> Shares:
    least = _LEAST_SEEN if weight > 1 else 1
    by_size = sorted(seen.items(), key=lambda each: (-each[1], each[0]))
    largest = [(key, count) for key, count in by_size[:_MOST_NAMED] if count >= least]
    names = dict(model.objects.filter(pk__in=dict(largest)).values_list("pk", "name"))
    shares = [Share(key, names[key], round(count * weight)) for key, count in largest]
    others = sum(seen.values()) - sum(count for _, count in largest)
    return Shares(shares, round(others * weight))
