"""Names are unique whoever takes them at the same time: real threads, and hands at the database."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from audit.models import Operation
from permissions.changes import CopyTasks, uid_of_copy
from tasks.batch.change import Change
from tasks.batch.errors import Overtaken, PlanRefused
from tasks.batch.overtaken import again_if_overtaken
from tasks.batch.plan import Reason
from tasks.changes import RecycleTasks, RestoreTasks
from tasks.models import Task
from tests.batches import apply
from tests.conftest import Governed, build_governed
from tests.threads import at_once, closing


COPY = CopyTasks()


def applying(governed: Governed, change: Change[Any], uids: Sequence[str]) -> Callable[[], Any]:
    return partial(apply, governed.manager, change, uids)


def names_of(governed: Governed) -> list[str]:
    return list(Task.objects.filter(project=governed.project).values_list("name", flat=True))


def task_named(governed: Governed, name: str) -> Task:
    """Return a task to be inserted by a writer that asks nobody for names."""
    return Task(
        project=governed.project,
        task_type=governed.task_type,
        name=name,
        created_by=governed.admin,
    )


def wait_until_blocked() -> None:
    """Wait until another connection waits for this one's transaction."""
    deadline = time.monotonic() + 30
    with connection.cursor() as cursor:
        while True:
            cursor.execute(
                # Not pg_stat_activity, of which a transaction sees the same all the time.
                "SELECT EXISTS (SELECT FROM pg_locks"
                " WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid)))"
            )
            if cursor.fetchone() == (True,):
                return
            assert time.monotonic() < deadline
            time.sleep(0.02)


def test_copies_of_one_task_made_at_once_have_different_names(committed: Governed) -> None:
    uids = committed.add_tasks(5)
    for done in at_once(*[applying(committed, COPY, uids)] * 4):
        done.result()
    expected = {f"task {uid}-copy-{number}" for uid in uids for number in range(1, 5)}
    assert Counter(names_of(committed)) == Counter({f"task {uid}" for uid in uids} | expected)


def test_copying_in_two_projects_in_opposite_orders_does_not_deadlock(committed: Governed) -> None:
    other = build_governed("search")
    here, there = committed.add_tasks(3), other.add_tasks(3)
    orders = ([*here, *there], [*there, *here]) * 3
    calls = [partial(apply, committed.admin, COPY, uids) for uids in orders]
    assert [done.result().operation.changed for done in at_once(*calls)] == [6] * 6


def test_a_name_is_given_back_or_given_to_a_copy(committed: Governed) -> None:
    for _ in range(5):
        source, old = committed.add_tasks(2)
        Task.objects.filter(uid=old).update(name=f"task {source}-copy-1")
        apply(committed.manager, RecycleTasks(), [old])
        copied, restored = at_once(
            applying(committed, COPY, [source]), applying(committed, RestoreTasks(), [old])
        )
        copy = Task.objects.get(uid=uid_of_copy(copied.result().plan.outcomes[0]))
        if error := restored.exception():
            assert isinstance(error, PlanRefused)
            assert [outcome.reason for outcome in error.plan.refusals] == [Reason.NAME_TAKEN]
        assert copy.name == f"task {source}-copy-{1 if error else 2}"


def test_a_name_that_anybody_else_takes_meanwhile_is_left_to_them(committed: Governed) -> None:
    (uid,) = committed.add_tasks(1)
    with ThreadPoolExecutor(max_workers=1) as pool:
        with transaction.atomic():
            Task.objects.bulk_create([task_named(committed, f"task {uid}-copy-1")])
            copying = pool.submit(closing, applying(committed, COPY, [uid]))
            wait_until_blocked()
        applied = copying.result()
    copy = Task.objects.get(uid=uid_of_copy(applied.plan.outcomes[0]))
    assert copy.name == f"task {uid}-copy-2"
    assert Task.history.filter(operation=applied.operation).count() == 1
    assert Operation.objects.filter(kind=COPY.kind).count() == 1


def test_who_is_overtaken_again_and_again_is_told_so(governed: Governed) -> None:
    (uid,) = governed.add_tasks(1)
    attempts = []

    def attempt() -> None:
        attempts.append(1)
        with transaction.atomic():
            Task.objects.bulk_create([task_named(governed, f"task {uid}")])

    with pytest.raises(Overtaken):
        again_if_overtaken(attempt)
    assert len(attempts) == 3


def test_no_other_rule_of_the_database_is_tried_again(governed: Governed) -> None:
    (uid,) = governed.add_tasks(1)
    attempts = []

    def attempt() -> None:
        attempts.append(1)
        with transaction.atomic():
            Task.objects.filter(uid=uid).update(version=-1)

    with pytest.raises(IntegrityError):
        again_if_overtaken(attempt)
    assert len(attempts) == 1
