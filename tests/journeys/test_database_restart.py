"""The database server dies under load: clear errors, then recovery, by the same web process."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.journeys.live import ROOT, on_its_own_database, web_server


SECONDS = 6.0
# No such token: an answer that takes a look into the database.
HEADERS = {"Authorization": "Bearer bh_unknown"}


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A folder for a cluster of its own, which every user may enter."""
    folder = Path(tempfile.mkdtemp(prefix="bulkhead-restart-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def test_requests_fail_clearly_while_the_database_is_away_and_work_again_after(
    data_dir: Path,
) -> None:
    environment = on_its_own_database(data_dir)
    migrate = [sys.executable, "manage.py", "migrate", "--verbosity=0"]
    subprocess.run(migrate, cwd=ROOT, env=environment, check=True)
    with web_server(environment=environment) as server:
        answers: list[tuple[float, int, str]] = []
        callers = [
            threading.Thread(target=keep_asking, args=(server.url, answers)) for _ in range(4)
        ]
        for caller in callers:
            caller.start()
        time.sleep(SECONDS / 3)
        pid_file = data_dir / "postgres/data/postmaster.pid"
        os.kill(int(pid_file.read_text().split()[0]), signal.SIGKILL)
        for caller in callers:
            caller.join()
        assert server.popen.poll() is None
    assert {status for _, status, _ in answers} <= {401, 503}
    assert all(text.startswith('{"status":"failed"') for _, _, text in answers)
    last = max(at for at, _, _ in answers)
    assert {status for at, status, _ in answers if at > last - 1} == {401}


def keep_asking(url: str, answers: list[tuple[float, int, str]]) -> None:
    """Ask again and again until the time is up."""
    deadline = time.monotonic() + SECONDS
    with httpx.Client(headers=HEADERS, timeout=30) as client:
        while (now := time.monotonic()) < deadline:
            answer = client.get(f"{url}/api/v2/operations/00000000-0000-0000-0000-000000000000")
            answers.append((now, answer.status_code, answer.text))
