"""The sealer skips nothing, whoever commits when, and nobody waits for it."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from django.db import connection, transaction
from django.utils import timezone
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob
from procrastinate.jobs import Status
from pytest_django.fixtures import Settings

from audit import jobs
from audit.models import Operation, Seal, SealedOperation, SealedRows, Unsealed
from audit.proof.checkpoints import SealsRolledBack, read_checkpoint
from audit.proof.parts import PART, portions_of
from audit.proof.seals import seal_all
from audit.proof.signing import KeyUnusable
from audit.proof.verification.blocks import digest_of
from audit.recorder import administrative_operation
from tasks.changes import UpdateSettings
from tasks.models import Task
from tests.audit.sealed import assert_named, become_owner, execute, verified
from tests.batches import apply
from tests.conftest import ORIGIN, Governed
from tests.threads import at_once, closing
from tests.worker import work_off


def branch(name: str) -> UpdateSettings:
    return UpdateSettings(patch={"repository": {"branch": name}})


def under(number: int) -> list[str]:
    """Return the kinds of the operations under a seal, in their order."""
    listed = SealedOperation.objects.filter(seal_id=number).order_by("place")
    return list(listed.values_list("operation__kind", flat=True))


def test_operations_are_sealed_once_in_the_order_of_their_end(governed: Governed) -> None:
    apply(governed.developer, branch("a"), governed.add_tasks(2))
    assert seal_all() == [1]
    assert under(1) == ["add_project", "add_tasks", "update_settings"]
    assert seal_all() == []
    governed.add_tasks(1)
    assert seal_all() == [2]
    assert under(2) == ["add_tasks"]
    assert not Unsealed.objects.exists()
    assert (verified().operations, verified().waiting) == (4, 0)


def test_an_operation_is_sealed_when_it_is_finished_and_not_before(governed: Governed) -> None:
    operation = Operation.objects.get()
    operation.pk, operation.state, operation.finished_at = None, "queued", None
    operation.id = Operation().id
    operation.save(force_insert=True)
    seal_all()
    assert verified().operations == 1
    Operation.objects.filter(pk=operation.pk).update(state="failed", finished_at=timezone.now())
    assert verified().waiting == 1
    seal_all()
    assert (verified().operations, verified().waiting) == (2, 0)


def test_many_rows_are_sealed_in_parts_and_many_operations_under_several_seals(
    governed: Governed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("audit.proof.parts.PART", 3)
    monkeypatch.setattr("audit.proof.verification.sealed_parts.PART", 3)
    monkeypatch.setattr("audit.proof.seals._OPERATIONS", 2)
    governed.add_tasks(7)
    for _ in range(3):
        governed.add_tasks(1)
    assert seal_all() == [1, 2, 3]
    assert [json.loads(seal.document)["waiting"] for seal in Seal.objects.order_by("number")] == [
        3,
        1,
        0,
    ]
    assert SealedRows.objects.filter(table_name="tasks_historicaltask", part=2).count() == 1
    assert verified().operations == 5
    assert PART > 1000


def test_an_operation_of_many_rows_is_verified_some_parts_at_a_time(
    governed: Governed, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in ("audit.proof.parts.PART", "audit.proof.verification.sealed_parts.PART"):
        monkeypatch.setattr(place, 3)
    monkeypatch.setattr("audit.proof.parts.AT_ONCE", 6)
    governed.add_tasks(20)
    governed.add_tasks(1)
    seal_all()
    operations = list(Operation.objects.values_list("pk", flat=True))
    portions = list(portions_of(operations, rows=100))
    sizes = [sum(part.size for part in parts) for each in portions for parts in each.parts()]
    assert max(sizes) <= 6 < len(sizes)
    assert [operation for each in portions for operation in each.operations] == operations
    assert verified().operations == 3
    become_owner()
    late = Task.history.filter(operation=operations[1]).latest("history_id").history_id
    execute(f"UPDATE tasks_historicaltask SET name = 'x' WHERE history_id = {late}")  # noqa: S608
    assert_named(f"operation {operations[1]}: row {late} of tasks_historicaltask was altered")


def test_the_first_row_of_many_is_named_though_the_others_are_still_on_their_way(
    governed: Governed,
) -> None:
    # More than is under way between the database and here at any time.
    governed.add_tasks(2_000)
    seal_all()
    operation = Operation.objects.latest("created_at").pk
    become_owner()
    first = Task.history.filter(operation=operation).earliest("history_id").history_id
    execute(f"UPDATE tasks_historicaltask SET name = 'x' WHERE history_id = {first}")  # noqa: S608
    assert_named(f"operation {operation}: row {first} of tasks_historicaltask was altered")


def test_of_long_documents_digests_are_compared(
    governed: Governed, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = Task.objects.get(uid=governed.add_tasks(1)[0])
    task.settings = {"text": "long" * 5_000}
    with administrative_operation(actor=governed.admin, kind="long", origin=ORIGIN) as operation:
        operation.reason = "for long reasons" * 1_000
        task.save()
    seal_all()
    sent: list[bytes] = []

    def noting(document: bytes) -> bytes:
        sent.append(document)
        return digest_of(document)

    monkeypatch.setattr("audit.proof.verification.blocks.digest_of", noting)
    assert verified().operations == 3
    assert max(map(len, sent)) < 10_000
    assert sum(document.startswith(b"sha256:") for document in sent) == 2
    become_owner()
    row = task.history.latest("history_id").history_id
    for harm, named in (
        ("UPDATE tasks_historicaltask SET settings = '{\"a\": 1}'", f"row {row}"),
        ("UPDATE audit_operation SET reason = reason || 'x'", f"operation {operation.pk}: the op"),
    ):
        before = transaction.savepoint()
        execute(f"{harm} WHERE octet_length({harm.split()[3]}::text) > 10000")
        assert_named(f"operation {operation.pk}", named)
        transaction.savepoint_rollback(before)


def test_a_batch_larger_than_the_bound_of_a_seal_is_sealed_whole_and_alone(
    governed: Governed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("audit.proof.seals._ROWS", 2)
    uids = governed.add_tasks(3)
    seal_all()
    for name in "abc":
        apply(governed.developer, branch(name), uids)
    assert seal_all() == [2, 3, 4]
    assert verified().waiting == 0


@pytest.mark.parametrize("key", ["", "short", "!" * 44])
def test_nothing_is_sealed_without_a_key(governed: Governed, settings: Settings, key: str) -> None:
    settings.BULKHEAD_SEAL_KEY = key
    with pytest.raises(KeyUnusable, match="32 bytes in base64"):
        seal_all()
    assert Unsealed.objects.count() == 1


def test_seals_of_a_former_key_are_believed_when_it_is_named(
    governed: Governed, settings: Settings
) -> None:
    seal_all()
    former = json.loads(Seal.objects.get().document)["key"]
    settings.BULKHEAD_SEAL_KEY = "YW5vdGhlciBrZXksIGZvciB0ZXN0cywgb2YgMzIgYi4="
    settings.BULKHEAD_FORMER_SEAL_KEYS = [former]
    governed.add_tasks(1)
    seal_all()
    assert verified().operations == 2


def test_a_removed_seal_stops_the_sealer_that_remembers_it(
    governed: Governed, settings: Settings, tmp_path: Path
) -> None:
    settings.BULKHEAD_SEAL_CHECKPOINT = tmp_path / "checkpoint"
    seal_all()
    kept = read_checkpoint(settings.BULKHEAD_SEAL_CHECKPOINT)
    assert kept.document == Seal.objects.get().document
    become_owner()
    for table in ("audit_sealedrows", "audit_sealedoperation", "audit_seal"):
        execute(f"DELETE FROM {table}")  # noqa: S608 - a table of ours
    governed.add_tasks(1)
    with pytest.raises(SealsRolledBack, match="seal 1 was made, but the database ends with none"):
        seal_all()
    assert not Seal.objects.exists()


@contextmanager
def open_transaction() -> Iterator[Callable[[Callable[[], object]], object]]:
    """Yield what makes a call in another transaction that stays open until the end."""
    with ThreadPoolExecutor(max_workers=1) as pool:

        def begin() -> None:
            transaction.set_autocommit(False)

        def end() -> None:
            transaction.commit()
            connection.close()

        pool.submit(begin).result()
        yield lambda call: pool.submit(call).result()
        pool.submit(end).result()


def test_the_worker_seals(committed: Governed) -> None:
    # Long due: it gives way to nobody, not even to what the worker itself writes.
    app.configure_task(jobs.NAME).defer(timestamp=0)
    work_off()
    assert under(1) == ["add_project"]


def test_the_worker_gives_way_to_whoever_writes_but_not_for_long(committed: Governed) -> None:
    with open_transaction() as elsewhere:
        elsewhere(partial(committed.add_tasks, 1))
        for _ in range(2):
            jobs.seal(timestamp=int(time.time()))
        assert not Seal.objects.exists()
        (again,) = ProcrastinateJob.objects.filter(status=Status.TODO.value)
        assert (again.task_name, again.scheduled_at > timezone.now()) == (jobs.NAME, True)
        jobs.seal(timestamp=int(time.time()) - 30)
        assert under(1) == ["add_project"]


def test_the_worker_gives_way_between_two_seals(
    committed: Governed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("audit.proof.seals._ROWS", 1)
    committed.add_tasks(1)
    busy = iter([False, True])
    monkeypatch.setattr(jobs, "_is_busy", lambda: next(busy))
    jobs.seal(timestamp=int(time.time()))
    assert Seal.objects.count() == 1
    assert ProcrastinateJob.objects.filter(status=Status.TODO.value, task_name=jobs.NAME).exists()
    jobs.seal(timestamp=int(time.time()) - 30)
    assert verified().waiting == 0


def test_what_commits_late_gets_into_a_later_seal(committed: Governed) -> None:
    seal_all()
    with open_transaction() as elsewhere:
        elsewhere(partial(committed.add_tasks, 2))
        committed.add_tasks(1)
        assert seal_all() == [2]
        assert verified().operations == 2
    assert verified().waiting == 1
    assert seal_all() == [3]
    late, early = SealedOperation.objects.order_by("-seal_id")[:2]
    assert (late.seal_id, early.seal_id) == (3, 2)
    assert late.operation.finished_at < early.operation.finished_at  # type: ignore[operator]  # both are
    assert verified().operations == 3


def test_a_batch_does_not_wait_for_the_sealer(committed: Governed) -> None:
    uids = committed.add_tasks(3)
    first = apply(committed.developer, branch("first"), uids)
    with open_transaction() as sealer:
        # All that sealing locks stays locked here, as its transaction has not ended.
        assert sealer(seal_all) == [1]
        execute("SET lock_timeout = '2s'")
        try:
            second = apply(committed.developer, branch("second"), uids)
            committed.add_tasks(1)
            assert seal_all() == []
        finally:
            execute("RESET lock_timeout")
    assert seal_all() == [2]
    sealed = dict(SealedOperation.objects.values_list("operation_id", "seal_id"))
    assert (sealed[first.operation.pk], sealed[second.operation.pk]) == (1, 2)
    assert verified().waiting == 0


def test_one_sealer_at_a_time(committed: Governed) -> None:
    for _ in range(3):
        committed.add_tasks(1)
        made = [done.result() for done in at_once(*[seal_all] * 4)]
        assert sum(map(len, made)) == 1
    assert verified().waiting == 0


def test_batches_and_sealers_at_once_skip_nothing(committed: Governed) -> None:
    uids = [committed.add_tasks(20) for _ in range(3)]
    over = threading.Event()

    def change(own: list[str]) -> None:
        for turn in range(12):
            apply(committed.developer, branch(f"b{turn}"), own)

    def keep_sealing() -> None:
        while not over.is_set():
            seal_all()

    with ThreadPoolExecutor(max_workers=2) as sealers:
        sealing = [sealers.submit(closing, keep_sealing) for _ in range(2)]
        for done in at_once(*[partial(change, own) for own in uids]):
            done.result()
        over.set()
        for sealer in sealing:
            sealer.result()
    seal_all()
    assert verified().operations == Operation.objects.count() == SealedOperation.objects.count()
    assert Seal.objects.count() > 2
    assert not Unsealed.objects.exists()
