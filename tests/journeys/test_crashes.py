"""What is left of a large batch when its process is killed in the middle: all of it, or nothing."""

import threading
from contextlib import suppress

import httpx
import pytest
from django.db import connection
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from audit.models import Operation, State
from tasks.batch import pipeline
from tasks.batch.pipeline import Batch
from tasks.changes import UpdateSettings
from tasks.models import StoredAnswer, Task
from tests.conftest import ORIGIN, Governed, build_governed
from tests.journeys.live import (
    Process,
    nobody_else_is_connected,
    running,
    wait_until,
    web_server,
)
from tests.tokens import issue


TARGETS = 20_000
MAIN = {"repository": {"branch": "main"}}

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(240)]


@pytest.fixture
def governed(transactional_db: None) -> Governed:
    """A project whose rows other processes can see."""
    return build_governed()


def changed_tasks() -> int:
    """Return how many tasks are as the batch wants them."""
    return Task.objects.filter(settings__repository__branch="main").count()


def history_rows() -> int:
    """Return how many history rows were written by batches."""
    operations = Operation.objects.filter(kind=UpdateSettings.kind).values("pk")
    return int(Task.history.filter(operation_id__in=operations).count())


def post(server: Process, token: str, uids: list[str]) -> httpx.Response:
    """Send the batch with the same key as always."""
    return httpx.post(
        f"{server.url}/api/v2/settings/tasks",
        json={"target": uids, "settings": MAIN},
        headers={"Authorization": f"Bearer {token}", "Idempotency-Key": "only-once"},
        timeout=60,
    )


@pytest.mark.parametrize("seconds", [0.3, 0.8])
def test_a_server_killed_in_the_middle_leaves_nothing_half_applied_and_the_retry_counts_once(
    governed: Governed, seconds: float
) -> None:
    uids = governed.add_tasks(TARGETS)
    token = issue(governed.developer).secret
    with web_server() as server:
        request = threading.Thread(target=ignoring_a_lost_answer, args=(server, token, uids))
        request.start()
        request.join(timeout=seconds)
        server.kill()
        request.join()
    wait_until(nobody_else_is_connected)
    applied = changed_tasks()
    assert applied in {0, TARGETS}
    assert history_rows() == applied
    assert StoredAnswer.objects.count() == (1 if applied else 0)

    with web_server() as server:
        retried = post(server, token, uids)
    assert retried.status_code == 200
    assert ("Idempotency-Replayed" in retried.headers) == bool(applied)
    assert changed_tasks() == history_rows() == TARGETS
    assert Operation.objects.filter(kind=UpdateSettings.kind).count() == 1


def ignoring_a_lost_answer(server: Process, token: str, uids: list[str]) -> None:
    """Send the batch to a server that may not live to answer."""
    with suppress(httpx.TransportError):
        post(server, token, uids)


@pytest.mark.parametrize("seconds", [0.0, 0.4])
def test_a_worker_killed_in_the_middle_leaves_nothing_half_applied_and_its_job_runs_again(
    governed: Governed, seconds: float
) -> None:
    uids = governed.add_tasks(TARGETS)
    batch = Batch(change=UpdateSettings(patch=MAIN), uids=uids, origin=ORIGIN)
    operation = pipeline.submit(actor=governed.developer, batch=batch).operation
    with running(["manage.py", "procrastinate", "worker"]) as worker:
        wait_until(lambda: state_of(operation) != State.QUEUED)
        threading.Event().wait(seconds)
        worker.kill()
    wait_until(nobody_else_is_connected)
    applied = changed_tasks()
    assert applied in {0, TARGETS}
    assert history_rows() == applied

    # The job's worker has missed its heartbeats, and the search for such jobs is due: what a minute
    # would show, said at once.
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 h'")
    with suppress(AlreadyEnqueued):
        app.configure_task("tasks.retry_stalled_jobs").defer(timestamp=0)
    with running(["manage.py", "procrastinate", "worker"]):
        wait_until(lambda: state_of(operation) == State.APPLIED)
    assert changed_tasks() == history_rows() == TARGETS
    assert Operation.objects.filter(kind=UpdateSettings.kind).count() == 1


def state_of(operation: Operation) -> str:
    """Return the operation's state as others see it now."""
    return str(Operation.objects.values_list("state", flat=True).get(pk=operation.pk))
