"""The worker: what was accepted is carried out once, judged anew, whatever happens to a worker."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from threading import Event
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection, transaction
from django.utils import timezone
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob
from procrastinate.exceptions import AlreadyEnqueued

from audit.models import Operation, State
from audit.recorder import administrative_operation
from permissions.models import ApiToken, RoleMember
from tasks import jobs
from tasks.batch import pipeline
from tasks.changes import UpdateSettings
from tasks.models import PreviewedPlan, Secret, StoredAnswer, Task
from tests.conftest import ORIGIN, Governed
from tests.journeys.live import running, wait_until
from tests.tasks.api.caller import BRANCH, SETTINGS_TASKS, Answered, Caller, caller_of, update
from tests.worker import work_off


def execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def submit(caller: Caller, uids: list[str], settings: Any = BRANCH, **headers: str) -> Answered:
    answer = caller.post(SETTINGS_TASKS, update(uids, settings), Prefer="respond-async", **headers)
    assert answer.status_code == 202, answer.content
    return answer


def the_operation() -> Operation:
    return Operation.objects.get(kind="update_settings")


def the_job() -> Any:
    return ProcrastinateJob.objects.get(task_name=pipeline.RUN_JOB)


def test_an_accepted_operation_is_carried_out_by_the_worker(committed: Governed) -> None:
    uids = committed.add_tasks(3)
    caller = caller_of(committed.developer)
    answer = submit(caller, uids)
    assert answer["Preference-Applied"] == "respond-async"
    assert answer.json()["message"] == "The update operation has been accepted."
    queued = caller.get(answer["Location"]).json()
    assert (queued["state"], queued["progress"]) == ("queued", {"done": 0, "total": 3})
    work_off()
    applied = caller.get(answer["Location"]).json()
    assert (applied["state"], applied["progress"]) == ("applied", {"done": 3, "total": 3})
    assert applied["counts"] == {"targets": 3, "changed": 3, "unchanged": 0, "refused": 0}
    assert Task.history.filter(operation=the_operation(), history_type="~").count() == 3


def test_a_secret_waits_as_a_reference(committed: Governed) -> None:
    uids = committed.add_tasks(1)
    settings = {"repository": {"token": "correct horse battery"}}
    submit(caller_of(committed.developer), uids, settings)
    waiting = (the_job().args, the_operation().parameters)
    assert "correct horse" not in repr(waiting)
    work_off()
    reference = Task.objects.get(uid=uids[0]).settings["repository"]["token"]
    assert reference == Secret.objects.get().reference


def lose_the_right(governed: Governed) -> None:
    with administrative_operation(actor=governed.admin, kind="remove_member", origin=ORIGIN):
        RoleMember.objects.filter(user=governed.developer).delete()


def revoke_the_token(governed: Governed) -> None:
    ApiToken.objects.update(revoked_at=timezone.now())


def close_the_account(governed: Governed) -> None:
    User.objects.filter(pk=governed.developer.pk).update(is_active=False)


@pytest.mark.parametrize(
    ("lose", "code"),
    [
        (lose_the_right, "not_found"),
        (revoke_the_token, "token_invalid"),
        (close_the_account, "actor_inactive"),
    ],
)
def test_an_operation_whose_actor_may_not_any_more_is_refused(
    committed: Governed, lose: Callable[[Governed], None], code: str
) -> None:
    submit(caller_of(committed.developer), committed.add_tasks(2))
    lose(committed)
    work_off()
    operation = the_operation()
    assert operation.state == State.REFUSED
    assert {refusal["code"] for refusal in operation.refusals} == {code}
    assert not Task.history.filter(operation=operation).exists()


def test_progress_is_visible_while_the_operation_runs(
    committed: Governed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "_REPORT_EVERY", 1)
    go_on = Event()
    write = UpdateSettings.write

    def wait_and_write(self: UpdateSettings, **arguments: Any) -> int:
        assert go_on.wait(30)
        return write(self, **arguments)

    monkeypatch.setattr(UpdateSettings, "write", wait_and_write)
    caller = caller_of(committed.developer)
    location = submit(caller, committed.add_tasks(3))["Location"]
    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(work_off)
        wait_until(lambda: caller.get(location).json()["progress"]["done"] == 3)
        assert caller.get(location).json()["state"] == "running"
        go_on.set()
        working.result()
    assert caller.get(location).json()["state"] == "applied"


def test_an_operation_that_fails_is_tried_again(
    committed: Governed, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(caller_of(committed.developer), committed.add_tasks(1))
    with monkeypatch.context() as patched:
        patched.setattr(pipeline, "run", failing)
        work_off()
    assert (the_operation().state, the_job().status) == (State.RUNNING, "todo")
    execute("UPDATE procrastinate_jobs SET scheduled_at = now()")
    work_off()
    assert (the_operation().state, the_operation().changed) == (State.APPLIED, 1)


def test_an_operation_that_keeps_failing_has_failed_and_tells_nothing_of_why(
    committed: Governed, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(caller_of(committed.developer), committed.add_tasks(1))
    monkeypatch.setattr(pipeline, "run", failing)
    for _ in range(5):
        assert the_operation().state in {State.QUEUED, State.RUNNING}
        execute("UPDATE procrastinate_jobs SET scheduled_at = now()")
        work_off()
    operation = the_operation()
    assert (operation.state, operation.requested) == (State.FAILED, None)
    assert [refusal["code"] for refusal in operation.refusals] == ["internal_error"]
    assert "hunter2" not in repr(operation.refusals)


def failing(**_: object) -> None:
    raise OperationalError("password=hunter2")


def test_a_killed_worker_leaves_nothing_half_done_and_its_operation_is_done_once(
    committed: Governed,
) -> None:
    uids = committed.add_tasks(3)
    submit(caller_of(committed.developer), uids)
    with running(["manage.py", "procrastinate", "worker"]) as worker, transaction.atomic():
        Task.objects.select_for_update().get(uid=uids[1])
        wait_until(has_a_waiting_lock)
        worker.kill()
    operation = the_operation()
    assert operation.state == State.RUNNING
    assert not Task.history.filter(operation=operation, history_type="~").exists()
    execute("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 minute'")
    retry_stalled()
    work_off()
    assert the_operation().state == State.APPLIED
    assert Task.history.filter(operation=operation).count() == 3


def test_a_token_revoked_while_its_operation_waits_for_locks_does_nothing(
    committed: Governed,
) -> None:
    uids = committed.add_tasks(2)
    submit(caller_of(committed.developer), uids)
    with running(["manage.py", "procrastinate", "worker"]):
        with transaction.atomic():
            Task.objects.select_for_update().get(uid=uids[1])
            wait_until(has_a_waiting_lock)
            # As another request would: outside the transaction that holds the lock.
            with ThreadPoolExecutor(1) as pool:
                pool.submit(revoke_all_tokens).result()
        wait_until(lambda: the_operation().finished_at is not None)
    assert the_operation().refusals[0]["code"] == "token_invalid"
    assert not Task.objects.filter(version__gt=1).exists()


def revoke_all_tokens() -> None:
    ApiToken.objects.update(revoked_at=timezone.now())
    connection.close()


def has_a_waiting_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
        (waiting,) = cursor.fetchone()
    return bool(waiting)


def retry_stalled() -> None:
    with suppress(AlreadyEnqueued):  # by the worker that was killed
        app.configure_task("tasks.retry_stalled_jobs").defer(timestamp=0)
    work_off()


def test_an_operation_that_kills_every_worker_has_failed(committed: Governed) -> None:
    submit(caller_of(committed.developer), committed.add_tasks(1))
    execute("UPDATE procrastinate_jobs SET status = 'doing', attempts = 4")
    retry_stalled()
    assert the_operation().state == State.FAILED
    assert the_job().status == "failed"


def test_an_operation_whose_job_is_gone_has_failed_and_others_wait_on(committed: Governed) -> None:
    caller = caller_of(committed.developer)
    gone, waiting = (submit(caller, committed.add_tasks(1)) for _ in range(2))
    first = gone["Location"].rpartition("/")[2]
    execute(f"DELETE FROM procrastinate_jobs WHERE args->>'operation' = '{first}'")  # noqa: S608
    jobs.fail_abandoned()
    assert caller.get(gone["Location"]).json()["state"] == "failed"
    assert caller.get(waiting["Location"]).json()["state"] == "queued"


def test_a_job_that_runs_again_after_its_operation_is_finished_does_nothing(
    committed: Governed,
) -> None:
    submit(caller_of(committed.developer), committed.add_tasks(1))
    work_off()
    finished = the_operation()
    jobs.carry_out(operation_id=str(finished.pk))
    jobs.give_up(operation_id=str(finished.pk))
    assert Operation.objects.filter(pk=finished.pk).values().get() == {
        field.attname: getattr(finished, field.attname) for field in Operation._meta.fields
    }


def test_what_was_kept_for_a_day_is_deleted_after_it(governed: Governed) -> None:
    caller = caller_of(governed.developer)
    for number in range(2):
        uids = governed.add_tasks(1)
        caller.post(f"{SETTINGS_TASKS}?dry_run=true", update(uids))
        caller.post(SETTINGS_TASKS, update(uids), Idempotency_Key=f"k{number}")
    yesterday = timezone.now() - timedelta(hours=24, seconds=1)
    StoredAnswer.objects.filter(key="k0").update(created_at=yesterday)
    oldest = PreviewedPlan.objects.order_by("created_at", "pk")[0]
    PreviewedPlan.objects.filter(pk=oldest.pk).update(created_at=yesterday)
    jobs.prune_kept()
    assert [answer.key for answer in StoredAnswer.objects.all()] == ["k1"]
    assert PreviewedPlan.objects.exclude(pk=oldest.pk).count() == PreviewedPlan.objects.count() == 1
