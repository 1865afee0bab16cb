"""`manage.py serve` as a user starts it, on an embedded PostgreSQL of its own."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from django.conf import settings


@pytest.fixture
def port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return str(server.getsockname()[1])


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    others = {"DATABASE_URL", "DATABASE_POOL", "DJANGO_SETTINGS_MODULE"}
    inherited = {name: value for name, value in os.environ.items() if name not in others}
    # A name with a space in it, as a home folder may have.
    return {**inherited, "BULKHEAD_DATA": str(tmp_path / "the data")}


@pytest.fixture
def server(port: str, environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    manage = [sys.executable, str(settings.BASE_DIR / "manage.py")]
    subprocess.run([*manage, "migrate", "--verbosity=0"], env=environment, check=True)
    with subprocess.Popen(
        [*manage, "serve", "--port", port],
        cwd=os.sep,  # whichever folder it is called from
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        yield process
        process.kill()


def read_until(server: subprocess.Popen[str], pattern: str) -> None:
    """Read the output up to the line with this pattern in it."""
    assert server.stdout is not None
    seen: list[str] = []
    for line in server.stdout:
        seen.append(line)
        if re.search(pattern, line):
            return
    raise AssertionError("".join(seen))


def wait_until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def postgresql_runs(environment: dict[str, str]) -> bool:
    # The server removes this file as it stops.
    return Path(environment["BULKHEAD_DATA"], "postgres", "data", "postmaster.pid").exists()


def answers(port: str) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", int(port))) == 0


def test_it_says_where_it_answers_and_ctrl_c_ends_everything(
    server: subprocess.Popen[str], port: str, environment: dict[str, str]
) -> None:
    read_until(server, f"Serving on http://127.0.0.1:{port}/admin/")
    address = f"http://127.0.0.1:{port}"
    page = httpx.get(f"{address}/admin/login/")
    style = re.search(r'href="(/static/[^"]+\.css)"', page.text)
    assert style
    assert httpx.get(address + style[1]).headers["Content-Type"].startswith("text/css")

    server.send_signal(signal.SIGINT)

    assert server.wait(timeout=30) == 0
    assert not answers(port)
    wait_until(lambda: not postgresql_runs(environment))


def test_nothing_survives_when_it_is_killed(
    server: subprocess.Popen[str], port: str, environment: dict[str, str]
) -> None:
    read_until(server, "Serving on")

    server.kill()

    wait_until(lambda: not answers(port))
    wait_until(lambda: not postgresql_runs(environment))


def test_a_busy_port_stops_it_at_once(
    server: subprocess.Popen[str], port: str, environment: dict[str, str]
) -> None:
    read_until(server, "Serving on")

    second = subprocess.run(
        [sys.executable, "manage.py", "serve", "--port", port],
        cwd=settings.BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert second.returncode == 1
    assert f"Port {port} on 127.0.0.1 cannot be used" in second.stderr
