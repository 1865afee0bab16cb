"""The worker, in this process or in one of its own, on the test database.

As a program: `python -m tests.worker DATABASE` works until it is killed.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import django
from django.conf import settings
from procrastinate import App
from procrastinate.contrib.django import app
from procrastinate.contrib.django.django_connector import DjangoConnector


@contextmanager
def _working() -> Iterator[App]:
    assert isinstance(app.connector, DjangoConnector)
    with app.replace_connector(app.connector.get_worker_connector()) as working:
        yield working


def work_off() -> None:
    """Run a worker until no job is left."""
    with _working() as working:
        working.run_worker(wait=False, install_signal_handlers=False, listen_notify=False)


@contextmanager
def worker_process() -> Iterator[subprocess.Popen[bytes]]:
    """Run a worker in a process of its own; it is killed at the end at the latest."""
    database = settings.DATABASES["default"]["NAME"]
    command = [sys.executable, "-m", "tests.worker", str(database)]
    with subprocess.Popen(command, cwd=settings.BASE_DIR) as process:
        try:
            yield process
        finally:
            process.kill()


if __name__ == "__main__":
    settings.DATABASES["default"]["NAME"] = sys.argv[1]
    django.setup()
    with _working() as _worker:
        _worker.run_worker()
