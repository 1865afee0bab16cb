"""The newest seal goes to another system, which is not waited for long and cannot send it elsewhere."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from procrastinate.contrib.django.models import ProcrastinateJob
from procrastinate.jobs import Status
from pytest_django.fixtures import Settings

from audit import jobs
from audit.models import Seal
from audit.proof import anchors
from audit.proof.anchors import NotAnchored, anchor_newest
from audit.proof.checkpoints import read_checkpoint
from audit.proof.seals import seal_all
from tests.audit.sealed import verified
from tests.conftest import Governed
from tests.worker import work_off


@dataclass
class Keeper:
    """A system that keeps what it is sent, and answers as a test wants."""

    status: int = 204
    received: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    url: str = ""


@contextmanager
def listening(keeper: Keeper) -> Iterator[Keeper]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            keeper.received.append((dict(self.headers), body))
            self.send_response(keeper.status)
            self.send_header("Location", f"{keeper.url}/elsewhere")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        keeper.url = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield keeper
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def keeper(settings: Settings) -> Iterator[Keeper]:
    with listening(Keeper()) as keeper:
        settings.BULKHEAD_SEAL_WEBHOOK = keeper.url
        yield keeper


def test_what_is_sent_is_a_checkpoint_of_the_newest_seal(
    governed: Governed, keeper: Keeper, settings: Settings, tmp_path: Path
) -> None:
    settings.BULKHEAD_SEAL_WEBHOOK_TOKEN = "of the keeper"
    seal_all()
    governed.add_tasks(1)
    seal_all()
    assert anchor_newest() == 2
    ((headers, body),) = keeper.received
    assert (headers["Authorization"], headers["X-Bulkhead-Seal"]) == ("Bearer of the keeper", "2")
    kept = tmp_path / "kept.json"
    kept.write_bytes(body)
    assert read_checkpoint(kept).document == Seal.objects.get(number=2).document
    assert verified(read_checkpoint(kept)).operations == 2


def test_nothing_is_sent_before_the_first_seal(governed: Governed, keeper: Keeper) -> None:
    assert anchor_newest() is None
    assert keeper.received == []


@pytest.mark.parametrize("status", [302, 307, 403, 500])
def test_a_checkpoint_that_is_not_taken_is_an_error_and_follows_nobody(
    governed: Governed, keeper: Keeper, status: int
) -> None:
    keeper.status = status
    seal_all()
    with pytest.raises(NotAnchored, match=f"seal 1: HTTP Error {status}"):
        anchor_newest()
    assert len(keeper.received) == 1


def test_a_keeper_that_says_nothing_is_given_up(
    governed: Governed, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(anchors, "_SECONDS", 0.1)
    seal_all()
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as silent:
        settings.BULKHEAD_SEAL_WEBHOOK = f"http://127.0.0.1:{silent.server_port}"
        with pytest.raises(NotAnchored, match="timed out"):
            anchor_newest()


def test_the_worker_sends_the_seal_that_it_made_and_again_if_it_was_not_taken(
    committed: Governed, keeper: Keeper
) -> None:
    keeper.status = 503
    jobs.seal(timestamp=0)
    work_off()
    (again,) = ProcrastinateJob.objects.filter(task_name=jobs.ANCHOR)
    assert (again.status, again.attempts, len(keeper.received)) == (Status.TODO.value, 1, 1)
    # Sealing goes on meanwhile; one job is enough for both seals.
    committed.add_tasks(1)
    jobs.seal(timestamp=0)
    keeper.status = 200
    jobs.anchor()
    assert json.loads(keeper.received[-1][1])["document"] == Seal.objects.get(number=2).document
    assert ProcrastinateJob.objects.filter(task_name=jobs.ANCHOR).count() == 1
