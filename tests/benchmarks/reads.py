"""What is asked most about many tasks, on the view and on guardian's ordinary tables.

Two users: the light one holds a role in ten projects, the heavy one in each of the thousand.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle
from typing import Any

from django.contrib.auth.models import User
from django.db.models import QuerySet
from guardian.shortcuts import get_objects_for_user

from permissions.effective import tasks_with
from tasks.visibility import visible_tasks
from tests.benchmarks.estate import Estate
from tests.benchmarks.models import Job
from tests.benchmarks.timing import Result, alternate, counting, forget_peak, peak_mib


PAGE = 100


@dataclass(frozen=True, kw_only=True)
class Question:
    """A question, asked of a user on the view and on guardian's ordinary tables."""

    name: str
    rounds: int
    ours: Callable[[], object]
    theirs: Callable[[], object]


def questions(estate: Estate) -> Iterator[Question]:
    """Yield every question about either user."""
    for name in ("light", "heavy"):
        user: User = getattr(estate, name)
        yield from _lists(f"get_objects_for_user/{name}", user, ours=_by_guardian)
        yield from _lists(f"visible_tasks/{name}", user, ours=_by_matrix)
        yield _single(f"has_perm/{name}", user)


def measure_question(*, question: Question, tasks: int) -> Result:
    """Measure a question; both sides must give the same answer.

    Raises:
        AssertionError: they do not.
    """
    forget_peak()
    with counting() as counted:
        answer = question.ours()
        statements = counted()
    assert answer == question.theirs(), question.name
    times = alternate(rounds=question.rounds, ours=question.ours, theirs=question.theirs)
    return Result(
        name=question.name,
        n=tasks,
        seconds=times.ours,
        floor_seconds=times.theirs,
        ratio=times.ours / times.theirs,
        statements=statements,
        peak_mib=peak_mib(),
    )


def _by_guardian(user: User) -> QuerySet[Any]:
    return tasks_with(user=user, permission="view_task")


def _by_matrix(user: User) -> QuerySet[Any]:
    # As the admin's list asks.
    return visible_tasks(actor=user).filter(recycled_at=None)


def _ordinary(user: User) -> QuerySet[Any]:
    return get_objects_for_user(
        user, "benchmarks.view_job", Job, use_groups=False, accept_global_perms=False
    )


def _lists(name: str, user: User, *, ours: Callable[[User], QuerySet[Any]]) -> Iterator[Question]:
    def count(tasks: Callable[[User], QuerySet[Any]]) -> int:
        return tasks(user).count()

    def page(tasks: Callable[[User], QuerySet[Any]]) -> list[int]:
        return [task.pk for task in tasks(user).order_by("-pk")[:PAGE]]

    for what, ask in (("count", count), ("page", page)):
        yield Question(
            name=f"{name}/{what}",
            rounds=5,
            ours=lambda ask=ask: ask(ours),  # type: ignore[misc]
            theirs=lambda ask=ask: ask(_ordinary),  # type: ignore[misc]
        )


def _single(name: str, user: User) -> Question:
    """Ask about one task after the other, so that no answer is a repetition."""
    some = _by_matrix(user).order_by("uid")[:PAGE]
    tasks = cycle(some)
    jobs = cycle([Job.objects.get(pk=task.pk) for task in some])
    return Question(
        name=name,
        rounds=2 * PAGE,
        ours=lambda: user.has_perm("tasks.view_task", next(tasks)),
        theirs=lambda: user.has_perm("benchmarks.view_job", next(jobs)),
    )
