"""Cancelling: a queued operation at once, a running one before it commits, a finished one never."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from typing import Any
from uuid import UUID

import pytest

from audit.models import Operation, Progress, State
from tasks import jobs
from tasks.batch import pipeline
from tasks.batch.cancelling import cancel
from tasks.batch.errors import OperationUnknown, TooLate
from tasks.batch.pipeline import Batch
from tasks.changes import UpdateSettings
from tasks.models import Task
from tests.conftest import ORIGIN, Governed
from tests.held_threads import PATIENCE, threads, wait_until_blocked
from tests.journeys.live import running, wait_until
from tests.observed import observe
from tests.tasks.batch.racing import locked
from tests.threads import at_once
from tests.worker import work_off


MAIN = UpdateSettings(patch={"repository": {"branch": "main", "token": "correct horse"}})


def submit(governed: Governed, uids: list[str]) -> UUID:
    """Accept a change of the developer's for the worker; return its operation's id."""
    batch = Batch(change=MAIN, uids=uids, origin=ORIGIN)
    operation_id = pipeline.submit(actor=governed.developer, batch=batch).operation.pk
    assert isinstance(operation_id, UUID)
    return operation_id


def assert_cancelled(operation_id: UUID, *, by: str) -> Operation:
    """Assert that the operation says who cancelled it, and that it has changed nothing."""
    operation = Operation.objects.get(pk=operation_id)
    assert operation.state == State.CANCELLED
    assert operation.cancelled_by is not None
    assert operation.cancelled_by_name == operation.cancelled_by.username == by
    assert (operation.changed, operation.unchanged, operation.requested) == (0, 0, None)
    assert operation.finished_at is not None
    assert not Task.history.filter(operation=operation).exists()
    assert not Task.objects.filter(version__gt=1).exists()
    return operation


@contextmanager
def at_the_end_of(
    monkeypatch: pytest.MonkeyPatch, owner: Any, name: str
) -> Iterator[tuple[Event, Event]]:
    """Let whoever calls the function stop after it; yield (has stopped, may go on)."""
    stopped, go_on = Event(), Event()
    function = getattr(owner, name)

    def call_and_wait(*arguments: Any, **named: Any) -> Any:
        result = function(*arguments, **named)
        stopped.set()
        assert go_on.wait(PATIENCE)
        return result

    with monkeypatch.context() as patched:
        patched.setattr(owner, name, call_and_wait)
        try:
            yield stopped, go_on
        finally:
            go_on.set()


def test_a_queued_operation_is_cancelled_at_once_and_never_runs(committed: Governed) -> None:
    operation_id = submit(committed, committed.add_tasks(2))
    assert cancel(actor=committed.developer, operation_id=operation_id).state == State.CANCELLED
    cancelled = assert_cancelled(operation_id, by="payments-developer")
    work_off()
    assert Operation.objects.filter(pk=operation_id).values().get() == {
        field.attname: getattr(cancelled, field.attname) for field in Operation._meta.fields
    }


def test_an_operation_that_waits_for_locks_in_a_worker_is_cancelled_when_it_has_them(
    committed: Governed,
) -> None:
    uids = committed.add_tasks(3)
    before = observe()
    operation_id = submit(committed, uids)
    with running(["manage.py", "procrastinate", "worker"]):
        with locked(uids[1]):
            wait_until_blocked()
            asked = cancel(actor=committed.developer, operation_id=operation_id)
            assert asked.state == State.RUNNING
        wait_until(lambda: Operation.objects.get(pk=operation_id).finished_at is not None)
    assert_cancelled(operation_id, by="payments-developer")
    assert observe() == before


def test_what_is_written_already_is_taken_back(
    committed: Governed, monkeypatch: pytest.MonkeyPatch
) -> None:
    operation_id = submit(committed, committed.add_tasks(3))
    before = observe()
    written = at_the_end_of(monkeypatch, UpdateSettings, "write")
    with threads() as start, written as (stopped, go_on):
        working = start(work_off)
        assert stopped.wait(PATIENCE)
        cancel(actor=committed.admin, operation_id=operation_id)
        go_on.set()
        working.result()
    assert_cancelled(operation_id, by="payments-admin")
    assert observe() == before


def test_a_batch_is_left_while_its_targets_are_judged(
    committed: Governed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "_REPORT_EVERY", 1)
    operation_id = submit(committed, committed.add_tasks(3))
    plan = UpdateSettings.plan

    def plan_and_cancel(self: UpdateSettings, **arguments: Any) -> Iterator[Any]:
        for number, outcome in enumerate(plan(self, **arguments)):
            if number == 1:
                with threads() as start:
                    start(lambda: cancel(actor=committed.admin, operation_id=operation_id))
            yield outcome

    monkeypatch.setattr(UpdateSettings, "plan", plan_and_cancel)
    monkeypatch.setattr(UpdateSettings, "write", None)  # nobody gets that far
    work_off()
    assert_cancelled(operation_id, by="payments-admin")
    assert Progress.objects.get().done == 1


def test_a_finished_operation_is_too_late_to_cancel(committed: Governed) -> None:
    operation_id = submit(committed, committed.add_tasks(1))
    work_off()
    with pytest.raises(TooLate, match="the operation is applied already"):
        cancel(actor=committed.developer, operation_id=operation_id)
    assert Operation.objects.get(pk=operation_id).state == State.APPLIED


def test_who_cancels_while_the_worker_commits_is_told_that_it_is_too_late(
    committed: Governed, monkeypatch: pytest.MonkeyPatch
) -> None:
    operation_id = submit(committed, committed.add_tasks(2))
    checked = at_the_end_of(monkeypatch, pipeline, "refuse_if_cancelled")
    with threads() as start, checked as (stopped, go_on):
        working = start(work_off)
        assert stopped.wait(PATIENCE)
        late = start(lambda: cancel(actor=committed.developer, operation_id=operation_id))
        wait_until_blocked()
        go_on.set()
        working.result()
        with pytest.raises(TooLate):
            late.result()
    operation = Operation.objects.get(pk=operation_id)
    assert (operation.state, operation.changed) == (State.APPLIED, 2)
    assert (operation.cancelled_by, operation.cancelled_by_name) == (None, "")


def test_two_who_cancel_at_once_cancel_once(committed: Governed) -> None:
    operation_id = submit(committed, committed.add_tasks(1))
    people = (committed.developer, committed.admin)
    calls = [lambda user=user: cancel(actor=user, operation_id=operation_id) for user in people]
    states = [future.result().state for future in at_once(*calls)]
    assert states == [State.CANCELLED, State.CANCELLED]
    name = Operation.objects.get(pk=operation_id).cancelled_by_name
    assert name in {"payments-developer", "payments-admin"}
    assert_cancelled(operation_id, by=name)


def test_the_second_who_cancels_a_running_operation_is_not_the_one_who_did(
    committed: Governed,
) -> None:
    operation_id = submit(committed, committed.add_tasks(1))
    started = jobs._start(operation_id=str(operation_id))  # noqa: SLF001 - as a worker that died
    assert started is not None
    cancel(actor=committed.developer, operation_id=operation_id)
    cancel(actor=committed.admin, operation_id=operation_id)
    # The wish outlives the worker: whoever takes the operation up again keeps to it.
    work_off()
    assert_cancelled(operation_id, by="payments-developer")


@pytest.mark.parametrize("who", ["manager", "viewer", "outsider"])
def test_nobody_cancels_what_is_somebody_elses(governed: Governed, who: str) -> None:
    operation_id = submit(governed, governed.add_tasks(1))
    with pytest.raises(OperationUnknown):
        cancel(actor=getattr(governed, who), operation_id=operation_id)
    assert Operation.objects.get(pk=operation_id).state == State.QUEUED


def test_a_cancelled_operation_neither_fails_nor_is_abandoned(committed: Governed) -> None:
    operation_id = submit(committed, committed.add_tasks(1))
    cancel(actor=committed.developer, operation_id=operation_id)
    jobs.give_up(operation_id=str(operation_id))
    jobs.fail_abandoned()
    assert_cancelled(operation_id, by="payments-developer")
