"""Real servers and workers in processes of their own, on loopback, ended with the test."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from django.db import connection


ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60.0


@dataclass
class Process:
    """A program in a process group of its own."""

    popen: subprocess.Popen[bytes]
    url: str = ""

    def kill(self) -> None:
        """End the program and its children as a crash would: without any notice."""
        os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait()


def on_the_tests_database() -> dict[str, str]:
    """Return the environment of a program that works on the tests' database."""
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.journeys.live_settings",
        "LIVE_DATABASE": str(connection.settings_dict["NAME"]),
        "WEB_WORKERS": "1",
    }


def on_its_own_database(data_dir: Path) -> dict[str, str]:
    """Return the environment of a program with an embedded database of its own."""
    own = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings.dev"}
    own.pop("DATABASE_URL", None)
    return {**own, "BULKHEAD_DATA": str(data_dir), "WEB_WORKERS": "1"}


@contextmanager
def running(
    arguments: Sequence[str],
    *,
    environment: dict[str, str] | None = None,
    output: BinaryIO | None = None,
) -> Iterator[Process]:
    """Run Python with these arguments, by default on the tests' database and the tests' output."""
    environment = environment or on_the_tests_database()
    popen = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment,
        start_new_session=True,
        stdout=output,
        stderr=output,
    )
    process = Process(popen)
    try:
        yield process
    finally:
        if popen.poll() is None:
            process.kill()


@contextmanager
def web_server(
    *, environment: dict[str, str] | None = None, output: BinaryIO | None = None
) -> Iterator[Process]:
    """Run gunicorn with the product's own settings of it, until it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    gunicorn = ("-m", "gunicorn", "--config", "python:config.gunicorn", "--log-level", "error")
    arguments = [*gunicorn, "--bind", f"127.0.0.1:{port}", "config.wsgi"]
    with running(arguments, environment=environment, output=output) as process:
        process.url = f"http://127.0.0.1:{port}"
        wait_until(lambda: _answers(port))
        yield process


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait until the condition holds.

    Raises:
        TimeoutError: it did not within the patience of a test.
    """
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.02)


def nobody_else_is_connected() -> bool:
    """Return whether every other connection to the tests' database has ended."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"
            " AND backend_type = 'client backend'",
            [connection.settings_dict["NAME"]],
        )
        (others,) = cursor.fetchone()
    return bool(others == 0)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
