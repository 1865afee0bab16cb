"""What sealing costs a batch that runs at the same time, and how fast the sealed trail is verified."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager
from multiprocessing import get_context
from statistics import median
from threading import Event

import django
from django.db import connection, transaction

from audit import jobs
from audit.models import Seal
from audit.proof.documents import documents_of, present_layout
from audit.proof.seal_documents import grouped, read_document, seals_between
from audit.proof.seals import await_all, seal_all
from audit.proof.signing import trusted_keys
from audit.proof.verification.verify import Scope, Verified, verify
from tests.benchmarks.batches import SETTINGS, bodies_of
from tests.benchmarks.estate import Estate
from tests.benchmarks.server import serving
from tests.benchmarks.timing import Result, counting, peak_mib, say, timed


SEALING, AFTERWARDS, VERIFICATION = "sealing/meanwhile", "sealing/afterwards", "verification"

_GUARD = """
SELECT tgname FROM pg_trigger
WHERE tgrelid = 'audit_operation'::regclass AND tgname LIKE 'pgtrigger_waits_for_seal_%%'
"""


def measure_sealing(*, estate: Estate, token: str, n: int, rounds: int) -> Iterator[Result]:
    """Measure a batch while another one is to be sealed, against one that waits for no seal.

    The second result is what it takes to seal such a batch afterwards, with the batch as its floor. Both
    are medians, because a sealer that gives way costs some batches more than others.
    """
    uids = [uid for _, uid in estate.batch_tasks(n)]
    with serving(token=token) as server:
        bodies = bodies_of(SETTINGS, estate, uids)

        def send() -> None:
            server.send(SETTINGS.path, next(bodies))

        for _ in range(4):
            send()
        times: dict[Callable[[], AbstractContextManager[None]], list[float]] = {
            _sealer_at_work: [],
            _nothing_waits: [],
        }
        afterwards = []
        for turn in range(rounds):
            for side in list(times)[:: -1 if turn % 2 else 1]:
                seal_all()
                send()
                with side():
                    times[side].append(timed(send))
            seal_all()
            send()
            afterwards.append(timed(seal_all))
        memory = server.peak_mib()
    ours, theirs = map(median, times.values())
    yield _result(SEALING, n=n, seconds=ours, floor=theirs, memory=memory)
    yield _result(AFTERWARDS, n=n, seconds=median(afterwards), floor=theirs, memory=peak_mib())


def measure_verification() -> Result:
    """Measure the verification of the whole trail, against reading the same documents.

    Raises:
        Tampered: something is wrong with the trail.
    """
    say("Sealing the history")
    await_all()
    seal_all()
    # In a process of its own: in this one there is what was measured before.
    with ProcessPoolExecutor(1, get_context("spawn"), initializer=django.setup) as alone:
        rows, seconds, statements, memory = alone.submit(_measure_alone).result()
    return Result(
        name=VERIFICATION,
        n=rows,
        seconds=seconds,
        floor_seconds=(floor := timed(_read)),
        ratio=seconds / floor,
        statements=statements,
        peak_mib=memory,
    )


def _measure_alone() -> tuple[int, float, int, float]:
    """Verify; return how many rows, in how many seconds and statements, and with how much memory."""
    found: list[Verified] = []
    with counting() as counted:
        seconds = timed(lambda: found.append(_verify()))
        return found[0].rows, seconds, counted(), peak_mib()


def _verify() -> Verified:
    return verify(scope=Scope(), trusted=trusted_keys(), checkpoints=())


def _read() -> None:
    """Read every document under a seal, one by one, and drop it."""
    newest = Seal.objects.latest("number").number
    said = (read_document(seal.document) for seal in seals_between(first=1, last=newest))
    for seals in grouped(said):
        operations = [operation for seal in seals for operation, _ in seal.operations]
        with (
            transaction.atomic(),
            closing(documents_of(operations, layout=present_layout())) as documents,
        ):
            for _ in documents:
                pass


@contextmanager
def _sealer_at_work() -> Iterator[None]:
    """Do what the worker does for what waits, from now on: at once, then each second until it is done."""
    over = Event()

    def work() -> None:
        try:
            due = int(time.time())
            jobs.seal(timestamp=due)
            while not over.wait(1):
                jobs.seal(timestamp=due)
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=1) as pool:
        working = pool.submit(work)
        try:
            yield
        finally:
            over.set()
            working.result()


@contextmanager
def _nothing_waits() -> Iterator[None]:
    """Let operations pass that do not wait for a seal, until the block ends."""
    with connection.cursor() as cursor:
        cursor.execute(_GUARD)
        (guard,) = cursor.fetchone()
        cursor.execute(f"ALTER TABLE audit_operation DISABLE TRIGGER {guard}")
        try:
            yield
        finally:
            cursor.execute(f"ALTER TABLE audit_operation ENABLE TRIGGER {guard}")


def _result(name: str, *, n: int, seconds: float, floor: float, memory: float) -> Result:
    return Result(
        name=name,
        n=n,
        seconds=seconds,
        floor_seconds=floor,
        ratio=seconds / floor,
        statements=0,
        peak_mib=memory,
    )
